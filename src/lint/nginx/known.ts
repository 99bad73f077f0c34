/** Directives that do not take part in the decision who is let in. Any other that is not supported makes it unknown. */

const FAMILIES =
  /^(?:(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_(?!pass$)|gzip|gunzip|brotli|zstd|http2|http3|quic|keepalive|client_|lingering|large_client|send|sub_filter|add_|more_|ssi|userid|image_filter|xslt|mp4|flv|limit_(?:req|conn|rate)|tcp_|aio|directio|sendfile|open_file|open_log|output_buffers|postpone|types|charset|expires|etag|fancyindex|autoindex|random_index|resolver|server_names_hash|variables_hash|map_hash|geoip|real_ip|set_real_ip|js_(?:import|path|include|var|set|preload|shared|fetch|engine|context)|lua_(?!.*_by)|init_by|init_worker|otel|opentracing|opentelemetry|vhost_traffic|status_zone|perl_(?:modules|require|set)|msie|dav|create_full|min_delete|slice|secure_link|http_(?:upgrade)|early_hints|zone|health_check|preread|acme|stub_status_)/;

const NAMES = new Set(
  `absolute_redirect access_log alias auth_basic_user_file auth_delay auth_request_set chunked_transfer_encoding
  connection_pool_size default_type disable_symlinks empty_gif error_log geo hash http ignore_invalid_headers index
  internal ip_hash least_conn least_time listen log_format log_not_found log_subrequest map max_ranges merge_slashes mirror
  mirror_request_body port_in_redirect pid read_ahead recursive_error_pages request_pool_size reset_timedout_connection
  rewrite_log root satisfy server server_name server_name_in_redirect server_tokens split_clients sticky stub_status
  subrequest_output_buffer_size try_files underscores_in_headers uninitialized_variable_warn upstream valid_referers
  if_modified_since location error_page allow deny auth_basic auth_request limit_except return rewrite set break if
  proxy_pass fastcgi_pass uwsgi_pass scgi_pass grpc_pass memcached_pass load_module user worker_processes events
  echo echo_status default override_charset
  ssl ssl_buffer_size ssl_certificate ssl_certificate_cache ssl_certificate_key ssl_ciphers ssl_client_certificate
  ssl_crl ssl_dhparam ssl_early_data ssl_ecdh_curve ssl_engine ssl_handshake_timeout ssl_object_cache_inheritable
  ssl_ocsp ssl_ocsp_cache ssl_ocsp_responder ssl_password_file ssl_prefer_server_ciphers ssl_preread ssl_protocols
  ssl_reject_handshake ssl_session_cache ssl_session_ticket_key ssl_session_tickets ssl_session_timeout ssl_stapling
  ssl_stapling_file ssl_stapling_responder ssl_stapling_verify ssl_trusted_certificate ssl_verify_client
  ssl_verify_depth ssl_alpn ssl_key_log`.split(/\s+/),
);

/** Whether a directive is interpreted, or known to decide nothing. */
export function isKnown(name: string): boolean {
  return NAMES.has(name) || FAMILIES.test(name);
}
