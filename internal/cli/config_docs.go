package cli

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/milena-io/milena/internal/confkey"
)

func (a *app) configDocs() *cobra.Command {
	var scope, match string
	var markdown bool
	cmd := &cobra.Command{
		Use: "docs [NAME...]", Short: "Document every setting: type, default, bounds, text",
		Long: "Document every setting of brokers, topics and groups from the table that the broker itself uses.\n" +
			"Settings marked \"no effect\" are accepted so that Kafka's configuration files work unchanged.",
		Example:           "  milena config docs\n  milena config docs log.retention.ms\n  milena config docs --match compaction --scope topic",
		ValidArgsFunction: completeBrokerKeys,
		RunE: func(_ *cobra.Command, names []string) error {
			keys, err := documentedKeys(scope, match)
			if err != nil {
				return err
			}
			if keys, err = namedKeys(keys, names); err != nil {
				return err
			}
			if markdown && !a.json() {
				writeKeysMarkdown(a.out, keys)
				return nil
			}
			return a.print(keyDocs(keys), func(w io.Writer) { writeKeysList(w, keys) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&scope, "scope", "", "only broker, topic or group settings")
	f.StringVar(&match, "match", "", "only settings whose name contains this")
	f.BoolVar(&markdown, "markdown", false, "print Markdown")
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"broker", "topic", "group"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func documentedKeys(scope, match string) ([]*confkey.Key, error) {
	set := confkey.ScopeBroker | confkey.ScopeTopic | confkey.ScopeGroup
	if scope != "" {
		e, err := parseEntity(scope)
		if err != nil {
			return nil, err
		}
		set = e.scope()
	}
	var out []*confkey.Key
	for _, k := range confkey.All(set) {
		if !k.Internal && strings.Contains(k.Name, match) {
			out = append(out, k)
		}
	}
	return out, nil
}

// namedKeys keeps the keys with the given names, all if there are none.
func namedKeys(keys []*confkey.Key, names []string) ([]*confkey.Key, error) {
	if len(names) == 0 {
		return keys, nil
	}
	var out []*confkey.Key
	for _, name := range names {
		before := len(out)
		for _, k := range keys {
			if k.Name == name {
				out = append(out, k)
			}
		}
		if len(out) == before {
			return nil, usagef("there is no setting %s (did you mean %s?)", name, confkey.Nearest(confkey.ScopeBroker|confkey.ScopeTopic|confkey.ScopeGroup, name))
		}
	}
	return out, nil
}

type keyDoc struct {
	Name       string   `json:"name"`
	Scope      string   `json:"scope"`
	Type       string   `json:"type"`
	Default    *string  `json:"default"`
	Accepts    string   `json:"accepts,omitempty"`
	Importance string   `json:"importance"`
	Update     string   `json:"update"`
	Synonyms   []string `json:"brokerSynonyms,omitempty"`
	Effect     bool     `json:"effect"`
	Own        bool     `json:"milenaOnly"`
	Doc        string   `json:"doc"`
}

func keyDocs(keys []*confkey.Key) []keyDoc {
	out := make([]keyDoc, 0, len(keys))
	for _, k := range keys {
		d := keyDoc{
			Name: k.Name, Scope: k.Scope.String(), Type: k.Type.String(), Accepts: k.Accepts(), Importance: k.Importance.String(),
			Update: k.Dynamic.String(), Synonyms: k.BrokerSynonyms, Effect: !k.Inert, Own: k.Own, Doc: k.Doc,
		}
		if k.HasDefault {
			d.Default = &k.Default
		}
		out = append(out, d)
	}
	return out
}

// defaultText is a key's default for people.
func defaultText(k *confkey.Key) string {
	switch {
	case !k.HasDefault:
		return "(null)"
	case k.Default == "":
		return "(empty)"
	}
	return k.Default
}

// remark says in a word what is special about a key.
func remark(k *confkey.Key) string {
	switch {
	case k.Inert:
		return "no effect"
	case k.Own:
		return "Milena only"
	}
	return ""
}

// writeKeysList prints one paragraph for each key: a table with the texts would
// be wider than any terminal.
func writeKeysList(w io.Writer, keys []*confkey.Key) {
	for i, k := range keys {
		if i > 0 {
			fmt.Fprintln(w)
		}
		about := []string{fmt.Sprint(k.Scope), fmt.Sprint(k.Type), "default " + defaultText(k)}
		if accepts := k.Accepts(); accepts != "" {
			about = append(about, "accepts "+accepts)
		}
		about = append(about, fmt.Sprint(k.Dynamic))
		if r := remark(k); r != "" {
			about = append(about, r)
		}
		fmt.Fprintf(w, "%s\n    %s\n", k.Name, strings.Join(about, " · "))
		for line := range wrapped(k.Doc, docWidth) {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}

// docWidth is how long the lines of a text are, beside its indentation.
const docWidth = 90

// wrapped yields a text in lines of at most width bytes; longer words stand alone.
func wrapped(text string, width int) iter.Seq[string] {
	return func(yield func(string) bool) {
		line := ""
		for word := range strings.FieldsSeq(text) {
			if line != "" && len(line)+1+len(word) > width {
				if !yield(line) {
					return
				}
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		if line != "" {
			yield(line)
		}
	}
}

func writeKeysMarkdown(w io.Writer, keys []*confkey.Key) {
	last := confkey.Scope(0)
	for _, k := range keys {
		if k.Scope != last {
			last = k.Scope
			name := last.String()
			fmt.Fprintf(w, "## %s%s settings\n\n| key | type | default | accepts | update | what it does |\n|---|---|---|---|---|---|\n",
				strings.ToUpper(name[:1]), name[1:])
		}
		doc := k.Doc
		if r := remark(k); r != "" {
			doc = "*" + r + ".* " + doc
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s | %s |\n", k.Name, k.Type, code(defaultText(k)), code(k.Accepts()), k.Dynamic, strings.ReplaceAll(doc, "|", `\|`))
	}
}

// code sets a cell in code style, unless it is empty or a remark of ours.
func code(s string) string {
	if s == "" || strings.HasPrefix(s, "(") {
		return s
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}
