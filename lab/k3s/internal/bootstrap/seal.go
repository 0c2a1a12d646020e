package bootstrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOtherToken is k3s' fatal answer to a token that does not open the stored data.
var ErrOtherToken = errors.New("bootstrap data already found and encrypted with different token")

// kept are the files that k3s keeps in its datastore under /bootstrap, sealed with the token.
var kept = []string{
	"server-ca.crt", "server-ca.key", "client-ca.crt", "client-ca.key",
	"request-header-ca.crt", "request-header-ca.key", "service.key",
}

const saltSize = 16

// Restore opens the data in a file with the token and puts back what is missing under tls. No file is fine.
func Restore(file, tls, password string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	files, err := open(content, password)
	if err != nil {
		return err
	}
	for name := range files {
		if _, err := os.Stat(filepath.Join(tls, name)); err == nil {
			delete(files, name)
		}
	}
	return write(tls, files)
}

// Save seals the files under tls with the token, unless that is done already.
func Save(file, tls, password string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	content, err := seal(tls, password)
	if err != nil {
		return err
	}
	temporary := file + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}

func write(tls string, files map[string][]byte) error {
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(tls, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func open(content []byte, password string) (map[string][]byte, error) {
	if len(content) < saltSize {
		return nil, ErrOtherToken
	}
	box, err := box(password, content[:saltSize])
	if err != nil || len(content) < saltSize+box.NonceSize() {
		return nil, errors.Join(err, ErrOtherToken)
	}
	nonce, text := content[saltSize:saltSize+box.NonceSize()], content[saltSize+box.NonceSize():]
	plain, err := box.Open(nil, nonce, text, nil)
	if err != nil {
		return nil, ErrOtherToken
	}
	var files map[string][]byte
	return files, json.Unmarshal(plain, &files)
}

func seal(tls, password string) ([]byte, error) {
	files := map[string][]byte{}
	for _, name := range kept {
		data, err := os.ReadFile(filepath.Join(tls, name))
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	plain, err := json.Marshal(files)
	if err != nil {
		return nil, err
	}
	head := make([]byte, saltSize)
	if _, err := rand.Read(head); err != nil {
		return nil, err
	}
	box, err := box(password, head)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return append(head, box.Seal(nonce, nonce, plain, nil)...), nil
}

func box(password string, salt []byte) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha256.New, password, salt, 4096, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
