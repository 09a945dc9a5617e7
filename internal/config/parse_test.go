package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/magiconair/properties"
)

func TestParseProperties(t *testing.T) {
	text := "! comment \\\na=1\nb = two words \n c:3\nd 4\n" +
		"e=x,\\\n   y,\\\n\tz\nf=${a}\\u0041\na=again\ng=back\\\\\nh=\nempty"
	got, err := parseProperties("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []setting{
		{"a", "1", "f:2"},
		{"b", "two words", "f:3"},
		{"c", "3", "f:4"},
		{"d", "4", "f:5"},
		{"e", "x,y,z", "f:6"},
		{"f", "${a}A", "f:9"},
		{"a", "again", "f:10"},
		{"g", `back\`, "f:11"},
		{"h", "", "f:12"},
		{"empty", "", "f:13"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := parseProperties("f", []byte("a=1\nb=\\u12")); err == nil || !strings.HasPrefix(err.Error(), "f:2: ") {
		t.Errorf("a broken escape: %v", err)
	}
}

func TestKeyOfEnv(t *testing.T) {
	for name, want := range map[string]string{
		"KAFKA_LOG_RETENTION_MS": "log.retention.ms", "KAFKA_A__B": "a_b", "KAFKA_A___B_C": "a-b.c", "KAFKA_MILENA_HTTP_LISTEN": "milena.http.listen",
	} {
		if got := keyOfEnv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestForeignEnvironmentIsPassedOver(t *testing.T) {
	got := fromEnv([]string{
		"KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_JMX_PORT=9", "KAFKA_PORT=tcp://10.0.0.1:9092", "KAFKA_PORT_9092_TCP_ADDR=10.0.0.1",
		"KAFKA_SERVICE_HOST=10.0.0.1", "KAFKA_LOG4J_OPTS=x", "MILENA_X=1", "KAFKA_NODE_ID=3", "broken",
	})
	if want := []setting{{"node.id", "3", "environment KAFKA_NODE_ID"}}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Cutting a file into logical lines must not change what it says: the whole
// file parsed at once gives the same settings.
func FuzzParseProperties(f *testing.F) {
	f.Add("a=1\nb=\\\n 2\n#c\\\nd=3")
	f.Add("a=x\\\\\nb=\\\r\n\r\n")
	f.Add("a\\\n\n!b\nc=\\t")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\x00") || strings.HasSuffix(text, `\`) {
			return // the library splits lines at carriage returns differently, and refuses a dangling backslash
		}
		whole, wholeErr := (&properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}).LoadBytes([]byte(text))
		got, err := parseProperties("f", []byte(text))
		if wholeErr != nil || err != nil {
			return
		}
		merged := map[string]string{}
		for _, s := range got {
			merged[s.key] = s.value
		}
		for _, key := range whole.Keys() {
			want, _ := whole.Get(key)
			if merged[key] != strings.TrimSpace(want) {
				t.Errorf("%q: %q, at once %q", key, merged[key], want)
			}
		}
		if len(merged) != whole.Len() {
			t.Errorf("%d settings, at once %d", len(merged), whole.Len())
		}
	})
}
