// Accepts the client certificates of API Gateway that are in {{trustFile}}, those of the CAs in it that have the name beside
// the root, and nobody else.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// namedRoot is the root of a CA, and the name that its certificates must have: trust in the root alone would accept all of them.
type namedRoot struct {
	root         *x509.CertPool
	subject, san string
}

// list follows a PEM file.
type list struct {
	file  string
	mutex sync.Mutex
	read  time.Time
	exact map[string]bool
	roots []namedRoot
}

// types are the parts of a subject as a list has them, by their OID.
var types = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode",
	"2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.46": "dnQualifier", "0.9.2342.19200300.100.1.25": "DC",
	"0.9.2342.19200300.100.1.1": "UID", "1.2.840.113549.1.9.1": "emailAddress",
}

// escaped is the value of a part of a subject as a list has it (RFC 2253, all octets that are not ASCII in hex).
func escaped(value string) string {
	var text strings.Builder
	for at, octet := range []byte(value) {
		isAtEnd := at == 0 || at == len(value)-1
		switch {
		case octet < 0x20 || octet > 0x7e:
			fmt.Fprintf(&text, "\\%02X", octet)
		case strings.IndexByte(",+\"\\<>;", octet) >= 0 || (octet == '#' && at == 0) || (octet == ' ' && isAtEnd):
			text.WriteByte('\\')
			text.WriteByte(octet)
		default:
			text.WriteByte(octet)
		}
	}
	return text.String()
}

// subjectOf is the whole subject; empty for one that is not compared.
func subjectOf(certificate *x509.Certificate) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(certificate.RawSubject, &name); err != nil || len(rest) > 0 {
		return ""
	}
	parts := make([]string, len(name))
	for at, part := range name {
		if len(part) != 1 {
			return ""
		}
		value, isText := part[0].Value.(string)
		kind := types[part[0].Type.String()]
		if !isText || kind == "" {
			return ""
		}
		parts[len(name)-1-at] = kind + "=" + escaped(value)
	}
	return strings.Join(parts, ",")
}

// sansOf are the subject alternative names as they are in the certificate: Go itself changes the spelling of a URI.
func sansOf(certificate *x509.Certificate) map[string]bool {
	sans := map[string]bool{}
	for _, extension := range certificate.Extensions {
		var names []asn1.RawValue
		if !extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return nil
		}
		for _, name := range names {
			switch name.Tag {
			case 2:
				sans["DNS:"+string(name.Bytes)] = true
			case 6:
				sans["URI:"+string(name.Bytes)] = true
			}
		}
	}
	return sans
}

func (root namedRoot) check(chain []*x509.Certificate) error {
	if root.subject == "" && root.san == "" {
		return errors.New("a root without a name")
	}
	if (root.san != "" && !sansOf(chain[0])[root.san]) || (root.subject != "" && root.subject != subjectOf(chain[0])) {
		return errors.New("another name")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         root.root,
		Intermediates: intermediates,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// follow reads the file again when it has changed; when that fails, the former list stays.
func (trust *list) follow() error {
	file, err := os.Stat(trust.file)
	if err != nil || file.ModTime().Equal(trust.read) {
		return err
	}
	rest, err := os.ReadFile(trust.file)
	if err != nil {
		return err
	}
	exact, roots := map[string]bool{}, []namedRoot{}
	for block := (*pem.Block)(nil); ; {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return err
		case block.Type == "CERTIFICATE":
			exact[string(certificate.Raw)] = true
		case block.Type == "APIGW CLIENT CA":
			pool := x509.NewCertPool()
			pool.AddCert(certificate)
			roots = append(roots, namedRoot{pool, block.Headers["Subject"], block.Headers["SAN"]})
		default:
			return errors.New("a " + block.Type)
		}
	}
	if bytes.Contains(rest, []byte("-----BEGIN ")) {
		return errors.New("a block that cannot be read")
	}
	trust.exact, trust.roots, trust.read = exact, roots, file.ModTime()
	return nil
}

// check refuses whoever is not in the list now, or not in date; TLS itself has the key proved.
func (trust *list) check(chain []*x509.Certificate) error {
	trust.mutex.Lock()
	if err := trust.follow(); err != nil {
		log.Print("not reloaded: ", err)
	}
	exact, roots := trust.exact, trust.roots
	trust.mutex.Unlock()
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	if now := time.Now(); now.Before(chain[0].NotBefore) || now.After(chain[0].NotAfter) {
		return errors.New("not in date")
	}
	if exact[string(chain[0].Raw)] {
		return nil
	}
	err := errors.New("not listed")
	for _, root := range roots {
		if err = root.check(chain); err == nil {
			return nil
		}
	}
	return err
}

func main() {
	trust := &list{file: "{{trustFile}}"}
	if err := trust.follow(); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              "{{listen}}",
		ReadHeaderTimeout: 30 * time.Second,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			// Whatever it is: the list decides, also about a session that is resumed.
			ClientAuth:       tls.RequireAnyClientCert,
			VerifyConnection: func(state tls.ConnectionState) error { return trust.check(state.PeerCertificates) },
		},
		Handler: http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			// At each request as well: a connection that is kept was judged when it was opened.
			if err := trust.check(request.TLS.PeerCertificates); err != nil {
				http.Error(response, "forbidden", http.StatusForbidden)
				return
			}
			// Only API Gateway comes here.
			fmt.Fprintln(response, "ok")
		}),
	}
	log.Fatal(server.ListenAndServeTLS("{{certificateFile}}", "{{privateKeyFile}}"))
}
