package simulate

import (
	"strconv"
	"time"
)

const (
	account  = 14 // of the Nango account
	stamp    = "2006-01-02T15:04:05.000Z"
	alphabet = "346789ABCDEFGHJKLMNPQRTUVWXYabcdefghijkmnpqrtwxyz" // of ids, without look-alikes
	generic  = "The external API returned an error when trying to refresh the access token. Please try again later."
)

// operation is one row of the operations index in all its versions.
type operation struct {
	id, typ, action, message string
	created, expires         int64 // Unix ms; expires after so long
	conn                     *connection
	extra                    string // more fields, each with its comma before it
}

func (w *World) operation(at int64, c *connection, typ, action, message string) *operation {
	return &operation{id: strconv.FormatInt(at, 10) + "_" + w.random(8), typ: typ, action: action, message: message, created: at, expires: day, conn: c}
}

func (w *World) random(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.text.IntN(len(alphabet))]
	}
	return string(b)
}

// state writes the operation row with the state it has from then on.
func (w *World) state(at int64, o *operation, state string) {
	w.owe()
	w.write(at, o.id, w.operationRow(at, o, state), false)
}

func (w *World) operationRow(at int64, o *operation, state string) []byte {
	b := append(make([]byte, 0, 768), `{"message":"`...)
	b = append(b, o.message...)
	b = append(append(b, `","id":"`...), o.id...)
	b = append(append(b, `","operation":{"type":"`...), o.typ...)
	b = append(append(b, `","action":"`...), o.action...)
	b = append(append(b, `"},"state":"`...), state...)
	b = append(b, `","source":"internal","level":"info","type":"operation","accountId":`...)
	b = strconv.AppendInt(b, account, 10)
	b = append(b, `,"accountName":"acme","environmentId":16,"environmentName":`...)
	b = append(b, w.environment...)
	if c := o.conn; c != nil {
		b = strconv.AppendInt(append(b, `,"integrationId":`...), int64(c.in.number), 10)
		b = append(append(b, `,"integrationName":"`...), c.in.name...)
		b = append(append(b, `","providerName":"`...), c.in.provider.name...)
		b = strconv.AppendInt(append(b, `","connectionId":`...), int64(c.number), 10)
		b = append(append(append(b, `,"connectionName":"`...), c.id...), '"')
	}
	b = append(b, o.extra...)
	b = date(b, "createdAt", o.created)
	b = date(b, "updatedAt", at)
	b = date(b, "startedAt", o.created)
	if state == "running" {
		b = append(b, `,"endedAt":null`...)
	} else {
		b = date(b, "endedAt", at)
	}
	return append(date(b, "expiresAt", o.created+o.expires), '}')
}

func date(b []byte, name string, at int64) []byte {
	b = append(append(append(b, `,"`...), name...), `":"`...)
	return append(time.UnixMilli(at).UTC().AppendFormat(b, stamp), '"')
}

// message writes a row of the messages index. fields are JSON, each with its comma behind it.
func (w *World) message(at, created int64, parent, level, typ, message, fields string) {
	w.owe()
	w.write(at, parent, w.messageRow(w.random(20), created, parent, level, typ, message, fields), true)
}

func (w *World) messageRow(id string, created int64, parent, level, typ, message, fields string) []byte {
	b := append(make([]byte, 0, 640), `{"id":"`...)
	b = strconv.AppendInt(append(append(b, id...), `","accountId":`...), account, 10)
	b = append(append(b, `,"source":"internal","level":"`...), level...)
	b = append(append(b, `","type":"`...), typ...)
	b = append(append(b, `","message":"`...), message...)
	b = append(append(b, `",`...), fields...)
	b = append(append(append(b, `"parentId":"`...), parent...), '"')
	return append(date(b, "createdAt", created), '}')
}

// writeFailure is a failed refresh: the operation begins after the request has failed, then come the request, the error, and the end. Two
// callers make two operations of one request.
func (w *World) writeFailure(c *connection, a *answer, twice bool) {
	o := w.operation(w.now, c, "auth", "refresh_token", "Token refreshed")
	w.state(w.now, o, "running")
	w.request(w.now+1, o, a)
	w.failure(o, a)
	if twice {
		second := w.operation(w.now+1, c, o.typ, o.action, o.message)
		w.state(w.now+1, second, "running")
		w.failure(second, a)
	}
}

func (w *World) request(at int64, o *operation, a *answer) {
	if a.code == 0 {
		return
	}
	url := "https://" + o.conn.in.provider.name + ".example.com/oauth/token"
	level := "error"
	fields := `"request":{"method":"POST","url":"` + url + `","headers":{"user-agent":"Nango"}},`
	if a.code == noResponse {
		fields += `"error":{"name":"OutboundUrlError","message":"DNS resolution failed."},"meta":null,`
	} else {
		fields += `"response":{"code":` + strconv.Itoa(a.code) + `,"headers":{}},`
		switch {
		case a.body != "":
			fields += `"meta":{"body":` + a.body + `},`
		case a.code < 400:
			level = "info"
		default:
			fields += `"meta":{},`
		}
	}
	w.message(at, w.now-30, o.id, level, "http", "POST "+url, fields)
}

func (w *World) failure(o *operation, a *answer) {
	took := 2 + w.text.Int64N(20)
	sentence := ""
	if took%4 > 0 { // Nango writes it or not by an accident of its engine
		sentence = `"message":"` + generic + `",`
	}
	meta := `"meta":{` + sentence + `"type":"` + a.typ + `","status":` + strconv.Itoa(a.status) + `,"payload":` + a.payload + `},`
	w.message(o.created+took-1, o.created+took-1, o.id, "error", "log", "Failed to refresh credentials", meta)
	w.state(o.created+took, o, "failed")
	if w.cfg.Webhooks {
		w.delivery(o.created+took+20, o.conn, a)
	}
}

// delivery is the webhook that tells of a failure: an operation about an operation, whose success says nothing of the connection.
func (w *World) delivery(at int64, c *connection, a *answer) {
	const url = "https://hooks.example.com/nango"
	o := w.operation(at, c, "webhook", "connection_refresh", "Token refresh webhooks")
	o.expires = 15 * minute
	w.state(at, o, "running")
	w.message(at+30, at+5, o.id, "info", "http", "POST "+url, `"context":"webhook","request":{"method":"POST","url":"`+url+
		`","headers":{},"body":{"from":"nango","type":"auth","connectionId":"`+c.id+`","providerConfigKey":"`+c.in.name+`","authMode":"OAUTH2","provider":"`+
		c.in.provider.name+`","environment":`+string(w.environment)+`,"operation":"refresh","tags":{"organization_id":"`+c.account+
		`"},"success":false,"error":{"type":"`+a.typ+`","description":"`+generic+`"}}},"response":{"code":200,"headers":{}},`)
	w.state(at+31, o, "success")
}

// writeExhausted is a call that Nango refuses because it has given up on the connection.
func (w *World) writeExhausted(c *connection) {
	o := w.operation(w.now, nil, "proxy", "call", "Proxy")
	o.extra = `,"request":{"url":"https://` + c.in.provider.name + `.example.com/api","method":"GET","headers":{"connection-id":"` + c.id +
		`","provider-config-key":"` + c.in.name + `"}}`
	w.state(w.now, o, "running")
	w.message(w.now+8, w.now+8, o.id, "error", "log", "Failed to get connection", `"error":{"name":"NangoError","type":"connection_refresh_exhausted",`+
		`"message":"The refresh limit has been reached for this connection."},`)
	w.state(w.now+10, o, "failed")
}

func (w *World) writeCall(c *connection) {
	o := w.operation(w.now, c, "proxy", "call", "Proxy")
	w.state(w.now, o, "running")
	w.state(w.now+120, o, "success")
}

func (w *World) writeRefreshed(c *connection) {
	o := w.operation(w.now, c, "auth", "refresh_token", "Token refreshed")
	w.state(w.now, o, "running")
	w.message(w.now+5, w.now+5, o.id, "info", "log", "Token manual refresh fetch was successful", `"meta":null,`)
	w.state(w.now+6, o, "success")
}

// writeCreated is a new authorization. At first nobody knows of which connection it is.
func (w *World) writeCreated(at int64, c *connection) {
	o := w.operation(at, nil, "auth", "create_connection", "Connection created")
	o.expires, o.extra = 5*minute, `,"meta":{"authType":"oauth2"}`
	w.state(at, o, "running")
	named := *o
	named.conn = &connection{in: c.in, id: c.id, number: c.number}
	w.state(at+200, &named, "success")
}

func (w *World) writeDeleted(c *connection) {
	o := w.operation(w.now, c, "events", "pre_connection_deletion", "Pre connection deletion")
	w.state(w.now, o, "success")
}
