package alert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"html"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file draws the body of a request as Slack shows it, or Teams (drawnCard): blocks to HTML to a picture. It knows nothing of the code that made the body.

const (
	pictureWidth  = 680
	pictureHeight = 1800 // cut to what is drawn
	pictureKey    = "Source"
)

const pictureStyle = `*{margin:0;box-sizing:border-box}body{width:680px;padding:12px 20px 14px;background:#fff;color:#1d1c1d;font:15px/22px Lato,"Noto Color Emoji",sans-serif}
.m{display:flex;gap:8px}.m>div{flex:1;min-width:0}.icon{width:36px;height:36px;border-radius:6px;background:#1f6f5c;color:#fff;font:900 20px/36px Lato;text-align:center}
.name{font-weight:900}.app{font:700 10px/14px Lato;color:#616061;background:#ebeaeb;border-radius:2px;padding:0 3px;margin:0 6px;vertical-align:1px}.time,.edit{font-size:12px;color:#616061}
.note{color:#616061;font-size:13px;margin:2px 0 0}h3{font:900 18px/24px Lato,"Noto Color Emoji";margin:6px 0 2px}.b{margin:6px 0;overflow-wrap:anywhere;white-space:pre-line}
.f{display:grid;grid-template-columns:1fr 1fr;gap:6px 16px}.c{font-size:13px;line-height:19px;color:#616061;margin-top:8px}a{color:#1264a3;text-decoration:none}
pre{font:12px/18px "DejaVu Sans Mono",monospace;white-space:pre-wrap;background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:7px 9px}code{font:12px "DejaVu Sans Mono";color:#c01343;background:#f7f7f8;border:1px solid #ddd;border-radius:3px;padding:1px 3px}`

// drawn is what Slack draws of the body of a post.
func drawn(body []byte, at time.Time) (string, error) {
	var p struct {
		Blocks    []map[string]any `json:"blocks"`
		TS        string           `json:"ts"`
		Thread    string           `json:"thread_ts"`
		Broadcast bool             `json:"reply_broadcast"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return "", err
	}
	if p.Blocks == nil {
		return drawnCard(body)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><meta charset="utf-8"><style>%s</style><body><div class="m"><div class="icon" style="flex:none">R</div><div><span class="name">Revwatch</span><span class="app">APP</span><span class="time">%s</span>`,
		pictureStyle, at.UTC().Format("3:04 PM"))
	switch {
	case p.Broadcast:
		b.WriteString(`<div class="note">replied to a thread, also sent to the channel</div>`)
	case p.Thread != "":
		b.WriteString(`<div class="note">replied to a thread</div>`)
	}
	for _, block := range p.Blocks {
		one, err := drawnBlock(block)
		if err != nil {
			return "", err
		}
		b.WriteString(one)
	}
	b.WriteString("</div></div></body>")
	return b.String(), nil
}

func drawnBlock(b map[string]any) (string, error) {
	text, _ := b["text"].(map[string]any)
	fields, _ := b["fields"].([]any)
	elements, _ := b["elements"].([]any)
	switch kind := b["type"]; {
	case kind == "header":
		return "<h3>" + drawnText(text) + "</h3>", nil
	case kind == "section" && len(fields) > 0:
		return `<div class="b f">` + each(fields, func(m map[string]any) string { return "<div>" + drawnText(m) + "</div>" }) + "</div>", nil
	case kind == "section":
		return `<div class="b">` + drawnText(text) + "</div>", nil
	case kind == "context":
		return `<div class="b c">` + each(elements, drawnText) + "</div>", nil
	case kind == "rich_text":
		return `<div class="b">` + each(elements, drawnRich) + "</div>", nil
	}
	return "", fmt.Errorf("a block of type %v is not drawn", b["type"])
}

func each(list []any, draw func(map[string]any) string) (s string) {
	for _, x := range list {
		m, _ := x.(map[string]any)
		s += draw(m)
	}
	return s
}

var (
	boldText = regexp.MustCompile(`\*([^*\n]+)\*`)
	codeText = regexp.MustCompile("`([^`\n]+)`")
)

// drawnText draws a text object: Slack's three escapes are undone, and only mrkdwn has markup.
func drawnText(m map[string]any) string {
	s, _ := m["text"].(string)
	s = html.EscapeString(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s))
	if m["type"] == "mrkdwn" {
		s = codeText.ReplaceAllString(boldText.ReplaceAllString(s, "<b>$1</b>"), "<code>$1</code>")
	}
	return s
}

// drawnRich draws an element of rich text, whose texts are literal.
func drawnRich(m map[string]any) string {
	text, _ := m["text"].(string)
	inner, _ := m["elements"].([]any)
	switch m["type"] {
	case "rich_text_preformatted":
		return "<pre>" + each(inner, drawnRich) + "</pre>"
	case "rich_text_section":
		return "<div>" + each(inner, drawnRich) + "</div>"
	case "link":
		return "<a>" + html.EscapeString(text) + "</a>"
	}
	return html.EscapeString(text)
}

// photograph lets a browser draw a page into a picture file, which remembers the page it was made of.
func photograph(t *testing.T, page, file string) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.png")
	if err := os.WriteFile(in, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-lcd-text", "--force-device-scale-factor=1", "--user-data-dir="+filepath.Join(dir, "user"),
		fmt.Sprintf("--window-size=%d,%d", pictureWidth, pictureHeight), "--screenshot="+out, "file://"+in)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, said)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(cropped(whole))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, withSource(small.Bytes(), digest(page)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// cropped is the picture without the empty space under it.
func cropped(m image.Image) image.Image {
	b := m.Bounds()
	ground := m.At(b.Max.X-1, b.Max.Y-1)
	bottom := b.Max.Y
	for ; bottom > b.Min.Y+1; bottom-- {
		if slices.ContainsFunc(row(m, bottom-1), func(c color.Color) bool { return c != ground }) {
			break
		}
	}
	type part interface {
		SubImage(image.Rectangle) image.Image
	}
	return m.(part).SubImage(image.Rect(b.Min.X, b.Min.Y, b.Max.X, min(b.Max.Y, bottom+14)))
}

func row(m image.Image, y int) (line []color.Color) {
	for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
		line = append(line, m.At(x, y))
	}
	return line
}

// fewColours keeps the 64 colours that are used most.
func fewColours(m image.Image) image.Image {
	counts := map[color.RGBA]int{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[coarse(m.At(x, y))]++
		}
	}
	var palette color.Palette
	var all []color.RGBA
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	for _, c := range all[:min(64, len(all))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			out.Set(x, y, coarse(m.At(x, y)))
		}
	}
	return out
}

// coarse is a colour of 16 steps a channel, white and black kept.
func coarse(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	step := func(v uint32) uint8 { return uint8((v>>8 + 8) / 17 * 17) }
	return color.RGBA{step(r), step(g), step(b), 255}
}

func digest(page string) string {
	sum := sha256.Sum256([]byte(page))
	return hex.EncodeToString(sum[:])
}

const pngHead = 8 + 25 // signature and IHDR

// withSource puts a text chunk behind the head of a PNG.
func withSource(file []byte, source string) []byte {
	chunk := []byte("tEXt" + pictureKey + "\x00" + source)
	var b bytes.Buffer
	b.Write(file[:pngHead])
	_ = binary.Write(&b, binary.BigEndian, uint32(len(chunk)-4))
	b.Write(chunk)
	_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(chunk))
	b.Write(file[pngHead:])
	return b.Bytes()
}

// sourceOf is the page that a picture was made of; "" when it does not say.
func sourceOf(file []byte) string {
	_, after, ok := bytes.Cut(file, []byte("tEXt"+pictureKey+"\x00"))
	if !ok || len(after) < hex.EncodedLen(sha256.Size) {
		return ""
	}
	return string(after[:hex.EncodedLen(sha256.Size)])
}
