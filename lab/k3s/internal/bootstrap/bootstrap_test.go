package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokensComeInTwoForms(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for token, want := range map[string]string{
		"secret":                          "secret",
		"K10" + hash + "::server:secret":  "secret",
		"K10::server:secret":              "secret",
		"K10" + hash + "::server:sec:ret": "sec:ret",
	} {
		if got, err := Password(token); err != nil || got != want {
			t.Errorf("%s: %q, %v", token, got, err)
		}
	}
	for _, token := range []string{"K10", "K10abc", "K10abc::server:secret", "K10" + hash + "::secret", "K10" + hash + "::server:"} {
		if got, err := Password(token); err == nil {
			t.Errorf("%s: accepted as %q", token, got)
		}
	}
}

func TestSealedDataOpensWithItsTokenOnly(t *testing.T) {
	dir := t.TempDir()
	file, tls := filepath.Join(dir, "sealed"), filepath.Join(dir, "tls")
	if err := os.Mkdir(tls, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range kept {
		if err := os.WriteFile(filepath.Join(tls, name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Save(file, tls, "right"); err != nil {
		t.Fatal(err)
	}
	if err := Restore(file, tls, "wrong"); !errors.Is(err, ErrOtherToken) {
		t.Errorf("wrong token: %v", err)
	}
	lost := filepath.Join(tls, "server-ca.key")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	if err := Restore(file, tls, "right"); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(lost); err != nil || string(content) != "content of server-ca.key" {
		t.Errorf("restored %q, %v", content, err)
	}
}
