package nango

import "bytes"

// role is what a key of a body holds.
type role uint8

const (
	roleNone   role = 0
	roleCode   role = 1  // a short code, a sentence, or the next level of the error
	roleText   role = 2  // a sentence, or the next level
	roleList   role = 4  // Microsoft's error_codes
	roleSkip   role = 8  // what we sent, or what concerns nobody: never an answer
	roleStatus role = 17 // a code that may be an HTTP status
	roleName   role = 33 // a code; in any other body a name of something
	roleField  role = 64 // the parameter that the error is about
)

// keyRoles says what keys hold, spelled as squeeze does; all others are only walked through.
var keyRoles = roles(map[role][]string{
	roleCode: {"error", "error_code", "reason", "error_reason", "error_subtype", "error_subcode", "suberror", "error_type", "err", "errcode", "errno", "error_name",
		"exception", "faultcode", "provider_error_payload", "body", "cause", "response_body", "title", "status_text", "status_message", "oauth_error"},
	roleName: {"type", "__type", "name", "subcode", "error_key", "error_id", "exception_type", "code_name", "key", "internal_code", "message_code", "result_code",
		"error_no", "class_name", "category", "symbol", "code_string"},
	roleStatus: {"status", "status_code", "code", "http_status", "http_status_code", "http_code"},
	roleText: {"error_description", "message", "detail", "description", "error_message", "error_summary", "error_detail", "error_details", "msg", "errmsg", "error_msg",
		"errormessages", "faultstring", "longmessage", "shortmessage", "error_user_msg", "error_user_title", "more_info", "developer_message", "user_message", "error_text", "details", "errors", "explanation",
		"hint", "info", "text", "non_field_errors", "long_desc", "desc", "response_message", "display_message"},
	roleList:  {"error_codes"},
	roleField: {"field", "resource", "param", "property", "attribute"},
	roleSkip: {"request", "headers", "config", "params", "parameters", "input", "query", "scope", "scopes", "error_uri", "stack", "trace", "redirect_uri", "grant_type", "url", "uri", "href",
		"links", "documentation_url", "help", "original_request", "request_options", "options", "path", "instance", "client", "user", "timestamp", "trace_id", "correlation_id", "request_id",
		"connection", "tags", "metadata", "example", "examples", "supported", "allowed", "expected"},
})

func roles(names map[role][]string) map[string]role {
	out := map[string]role{}
	for r, keys := range names {
		for _, k := range keys {
			out[squeezed(k)] = r
		}
	}
	return out
}

func (f *facts) spells(s []byte, squeezed string) bool {
	return string(squeeze(f.scratch[:0], s)) == squeezed
}

// role returns what a key holds: by the table, else by how names of such keys begin and end.
func (f *facts) role(key []byte) role {
	k := squeeze(f.scratch[:0], key)
	if r, ok := keyRoles[string(k)]; ok {
		return r
	}
	for _, end := range keyEnds {
		if bytes.HasSuffix(k, end) {
			return roleText
		}
	}
	if bytes.HasSuffix(k, []byte("code")) || bytes.Contains(k, []byte("error")) {
		return roleCode
	}
	return roleNone
}

var keyEnds = [][]byte{[]byte("message"), []byte("msg"), []byte("desc"), []byte("description"), []byte("reason"), []byte("detail"), []byte("details")}
