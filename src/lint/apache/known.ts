/** Directives that do not take part in the decision who is admitted. Any other that is not supported makes it unknown. */

const FAMILIES =
  /^(?:ssl(?!verify|require|cacert|carevocation|ocsp|options|engine|proxy|openssl|username|fips)|sslproxy|proxy(?!pass$|passmatch$|block)|log|custom|error(?!document)|add|expires|cache|browsermatch|deflate|filter|h2|http2|mime|index|directoryindex|directoryslash|fallback|icon|readme|headername|timeout|keepalive|maxkeep|max|min|start|thread|limit(?!except|$)|server|listen|user|group|pid|mutex|access|charset|content|default|etag|file|enable|env|passenv|unsetenv|host|id|lua(?!hook|auth)|md|modmime|mpm|name|options|protocol|receive|remoteip|reflector|request|balancer|brotli|buffer|define|undefine|extended|scoreboard|seerequest|send|session|setoutput|setinput|type|trace|traffic|unique|usecanonical|alias|scriptalias|documentroot|force|stap|status|substitute|suexec|cgi|script|coredump|core|gracefulshutdown|interpreter|register|loadmodule|loadfile|loglevel|macro|merge|regexdefault|resource|rlimit|sethandler|suppress|tls|vary|xml|wstunnel|perl(?:module|require)|limitrequest|allowoverride|allowencoded|acceptpathinfo|accept|header|auth(?:name|type|userfile|groupfile|basicprovider|basicauth|digest\w*|merging|form\w*)|http|quali)/;

const NAMES = new Set(
  `sslengine sslverifyclient sslverifydepth sslrequire sslrequiressl sslcacertificatefile sslcacertificatepath
  sslcadnrequestfile sslcadnrequestpath sslcarevocationfile sslcarevocationpath sslcarevocationcheck ssloptions
  sslopensslconfcmd sslocspenable sslproxyengine sslfips require requireall requireany requirenone satisfy order allow
  deny rewriteengine rewriterule rewritecond rewritebase rewriteoptions rewritemap location locationmatch directory
  directorymatch files filesmatch if elseif else limit limitexcept proxypass proxypassmatch proxy proxymatch virtualhost
  errordocument setenv setenvif setenvifnocase setenvifexpr redirect redirectmatch redirectpermanent redirecttemp
  nameVirtualhost namevirtualhost ifsection serversignature servertokens`.split(/\s+/),
);

export const isKnown = (name: string): boolean => NAMES.has(name) || FAMILIES.test(name);
