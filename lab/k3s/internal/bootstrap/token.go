// Package bootstrap handles the server's token and the CA data that k3s seals with it in the datastore.
package bootstrap

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Password extracts the secret part of a token, which is either that alone or K10<CA hash>::<user>:<password>.
func Password(token string) (string, error) {
	rest, long := strings.CutPrefix(token, "K10")
	if !long {
		return token, nil
	}
	hash, credentials, found := strings.Cut(rest, "::")
	user, password, colon := strings.Cut(credentials, ":")
	if !found || !colon || user == "" || password == "" || hash != "" && !isHash(hash) {
		return "", errors.New("failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>")
	}
	return password, nil
}

func isHash(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == 32
}

// Choose returns the server password: the one asked for, else the stored one, else a new one.
func Choose(asked, tokenFile string) (string, error) {
	if asked != "" {
		return Password(asked)
	}
	stored, err := os.ReadFile(tokenFile)
	if err == nil {
		return Password(strings.TrimSpace(string(stored)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return hex.EncodeToString(raw), nil
}

// WriteTokens writes server/token and its links, and cred/passwd.
func WriteTokens(serverDir, caHash, password, agentPassword string, admin bool) error {
	token := filepath.Join(serverDir, "token")
	if err := os.WriteFile(token, fmt.Appendf(nil, "K10%s::server:%s\n", caHash, password), 0o600); err != nil {
		return err
	}
	agentToken := filepath.Join(serverDir, "agent-token")
	if err := link(token, filepath.Join(serverDir, "node-token")); err != nil {
		return err
	}
	if agentPassword == "" {
		agentPassword = password
		// Old ones have the file only where agents have a token of their own.
		if !admin {
			if err := link(token, agentToken); err != nil {
				return err
			}
		}
	} else {
		_ = os.Remove(agentToken) // may be a link from before
		if err := os.WriteFile(agentToken, fmt.Appendf(nil, "K10%s::node:%s\n", caHash, agentPassword), 0o600); err != nil {
			return err
		}
	}
	lines := fmt.Sprintf("%s,node,node,k3s:agent\n%s,server,server,k3s:server\n", agentPassword, password)
	if admin {
		lines += password + ",admin,admin,system:masters\n"
	}
	return os.WriteFile(filepath.Join(serverDir, "cred", "passwd"), []byte(lines), 0o600)
}

func link(target, path string) error {
	if got, err := os.Readlink(path); err == nil && got == target {
		return nil
	}
	_ = os.Remove(path)
	return os.Symlink(target, path)
}
