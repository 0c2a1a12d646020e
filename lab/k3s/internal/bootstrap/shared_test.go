package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// memory is a datastore.
type memory map[string][]byte

func (m memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	value, found := m[key]
	return value, found, nil
}

func (m memory) Create(_ context.Context, key string, value []byte) (bool, error) {
	if _, found := m[key]; found {
		return false, nil
	}
	m[key] = value
	return true, nil
}

func (m memory) Any(_ context.Context, prefix string) (bool, error) {
	return slices.ContainsFunc(slices.Collect(maps.Keys(m)), func(key string) bool { return strings.HasPrefix(key, prefix) }), nil
}

func server(t *testing.T, name string) string {
	t.Helper()
	tls := t.TempDir()
	for _, file := range kept {
		if err := os.WriteFile(filepath.Join(tls, file), []byte(name+" "+file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tls
}

func TestSecondServerGetsTheAuthoritiesOfTheFirst(t *testing.T) {
	ctx, keys := context.Background(), memory{}
	first, second := server(t, "first"), server(t, "second")
	if found, err := Take(ctx, keys, first, "token"); found || err != nil {
		t.Fatalf("an empty datastore: %v, %v", found, err)
	}
	if taken, err := Offer(ctx, keys, first, "token"); !taken || err != nil {
		t.Fatalf("the first: %v, %v", taken, err)
	}
	if taken, err := Offer(ctx, keys, second, "token"); taken || err != nil {
		t.Fatalf("the second, which started at the same moment: %v, %v", taken, err)
	}
	if found, err := Take(ctx, keys, second, "token"); !found || err != nil {
		t.Fatalf("the second: %v, %v", found, err)
	}
	for _, file := range kept {
		got, err := os.ReadFile(filepath.Join(second, file))
		if err != nil || string(got) != "first "+file {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
}

func TestOtherTokenFindsADatastoreThatIsNotItsOwn(t *testing.T) {
	ctx, keys := context.Background(), memory{}
	tls := server(t, "first")
	if _, err := Offer(ctx, keys, tls, "right"); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(ctx, keys, tls, "wrong"); !errors.Is(err, ErrOtherToken) {
		t.Errorf("wrong token: %v", err)
	}
	for key, value := range keys {
		if strings.Contains(key, "right") || bytes.Contains(value, []byte("first")) {
			t.Errorf("%s says what is in it", key)
		}
	}
}
