package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/revwatch/revwatch/pkg/nango"
)

// The time, the key and the headers of a record are taken from what the usual tools export.
func TestRecordAroundAValue(t *testing.T) {
	const at = 1791191701339
	for line, want := range map[string]string{
		`{"value":"{\"a\":1}","timestamp":1791191701339}`:                                                     `{"a":1} 1791191701339  []`,
		`{"value":"{\"a\":1}","timestamp":"1791191701339","key":"k"}`:                                         `{"a":1} 1791191701339 k []`,
		`{"value":"{\"a\":1}","timestamp":"2026-10-05T09:15:01.339Z"}`:                                        `{"a":1} 1791191701339  []`,
		`{"value":"{\"a\":1}","timestamp":"2026-10-05T11:15:01.339+02:00"}`:                                   `{"a":1} 1791191701339  []`,
		`{"value":"{\"a\":1}","time":"2026-10-05 09:15:01.339"}`:                                              `{"a":1} 1791191701339  []`,
		`{"value":"{\"a\":1}","time":1791191701}`:                                                             `{"a":1} 1791191701000  []`,
		`{"value":"{\"a\":1}","received_at":1791191701339000}`:                                                `{"a":1} 1791191701339  []`,
		`{"value":"{\"a\":1}","timestamp":"yesterday"}`:                                                       `{"a":1} 0  []`,
		`{"topic":"t","partition":0,"offset":1,"ts":1791191701339,"headers":["h","x"],"payload":"{\"a\":1}"}`: `{"a":1} 1791191701339  [{h x}]`,
		`{"topic":"t","partition":0,"offset":1,"ts":1791191701339,"key":"k","payload":"GET / 200"}`:           `GET / 200 1791191701339 k []`,
		`{"topic":"t","partition":0,"offset":1,"ts":1791191701339,"key":"k","payload":null}`:                  ` 1791191701339 k []`,
		`{"topic":"t","partition":0,"offset":1,"timestamp":1791191701339,"value":"{}"}`:                       `{} 1791191701339  []`,
		`{"partition":"a","value":"x"}`:                                                                       `{"partition":"a","value":"x"} 0  []`,
		`{"topic":"t","value":"{\"a\":1}","headers":[{"key":"h","value":"x"}],"timestamp":1791191701339}`:     `{"a":1} 1791191701339  [{h x}]`,
		"CreateTime:1791191701339\t{\"a\":1}":                                                                 `{"a":1} 1791191701339  []`,
		"LogAppendTime:1791191701339\tk\t{\"a\":1}":                                                           `{"a":1} 1791191701339 k []`,
		"CreateTime:1791191701339\tPartition:0\tOffset:7\tNO_HEADERS\t{\"id\":1}\t{\"a\":\t1}":                "{\"a\":\t1} 1791191701339 {\"id\":1} []",
		"CreateTime:1791191701339\tnull\t[debug] operation({\"a\":1})":                                        "null\t[debug] operation({\"a\":1}) 1791191701339  []",
		"CreateTime:1791191701339\tstatus\t200":                                                               "status\t200 1791191701339  []",
		"CreateTime:x\t{\"a\":1}":                                                                             "CreateTime:x\t{\"a\":1} 0  []",
		"CreateTime:1791191701339":                                                                            "CreateTime:1791191701339 0  []",
	} {
		var meta nango.Meta
		in := newInput("-", nil, nil)
		value := in.unwrap([]byte(line), &meta)
		got := fmt.Sprintf("%s %d %s %s", value, meta.Time, meta.Key, meta.Headers)
		if got != want {
			t.Errorf("%s\ngot  %q\nwant %q", line, got, want)
		}
	}
	const webhook = `{"from":"nango","type":"auth","operation":"refresh","success":false,"connectionId":"c1","providerConfigKey":"box","provider":"box","environment":"prod"}`
	for _, line := range []string{fmt.Sprintf("CreateTime:%d\t%s", at, webhook), fmt.Sprintf(`{"value":%q,"timestamp":%d}`, webhook, at), fmt.Sprintf(`{"value":%s,"timestamp":%d}`, webhook, at)} {
		if got := output(t, line, "explain-record"); !strings.Contains(got, "connection c1 of box (box) in prod, 2026-10-05 09:15:01 UTC") {
			t.Errorf("%s\nsaid\n%s", line, got)
		}
	}
}
