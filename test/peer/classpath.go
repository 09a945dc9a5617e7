package peer

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

var (
	//go:embed broker.xml
	brokerPom []byte
	//go:embed tools.xml
	toolsPom []byte

	// one mvn at a time in this process
	resolving sync.Mutex
)

// classPath is the class path of a pom's dependencies.
func classPath(ctx context.Context, pom []byte) (string, error) {
	resolving.Lock()
	defer resolving.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "milena-peer", fmt.Sprintf("%x", sha256.Sum256(pom))[:16])
	file := filepath.Join(dir, "classpath")
	if text, err := os.ReadFile(file); err == nil && allThere(string(text)) {
		return string(text), nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "resolve")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o600); err != nil {
		return "", err
	}
	fresh := filepath.Join(work, "classpath")
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(work, "pom.xml"), "dependency:build-classpath", "-Dmdep.outputFile="+fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("resolving Kafka's jars: %w\n%s", err, out)
	}
	text, err := os.ReadFile(fresh)
	if err != nil {
		return "", err
	}
	// A rename, so that another process sees the whole file or none.
	return string(text), os.Rename(fresh, file)
}

// allThere reports whether every jar of a class path still exists.
func allThere(path string) bool {
	if path == "" {
		return false
	}
	for _, jar := range filepath.SplitList(strings.TrimSpace(path)) {
		if _, err := os.Stat(jar); err != nil {
			return false
		}
	}
	return true
}
