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

// sealed are the files that k3s keeps in its datastore under /bootstrap, sealed with the token. The stand-in keeps
// them beside the database, so that they live and die with it.
var sealed = []string{
	"server-ca.crt", "server-ca.key", "client-ca.crt", "client-ca.key",
	"request-header-ca.crt", "request-header-ca.key", "service.key",
}

const saltSize = 16

// Restore opens the stored data with the token and puts back what is missing under tls. No data is fine.
func Restore(file, tls, password string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if len(content) < saltSize {
		return ErrOtherToken
	}
	box, err := box(password, content[:saltSize])
	if err != nil || len(content) < saltSize+box.NonceSize() {
		return errors.Join(err, ErrOtherToken)
	}
	nonce, text := content[saltSize:saltSize+box.NonceSize()], content[saltSize+box.NonceSize():]
	plain, err := box.Open(nil, nonce, text, nil)
	if err != nil {
		return ErrOtherToken
	}
	var files map[string][]byte
	if err := json.Unmarshal(plain, &files); err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(tls, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// Save seals the files under tls with the token, unless that is done already.
func Save(file, tls, password string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	files := map[string][]byte{}
	for _, name := range sealed {
		data, err := os.ReadFile(filepath.Join(tls, name))
		if err != nil {
			return err
		}
		files[name] = data
	}
	plain, err := json.Marshal(files)
	if err != nil {
		return err
	}
	head := make([]byte, saltSize)
	if _, err := rand.Read(head); err != nil {
		return err
	}
	box, err := box(password, head)
	if err != nil {
		return err
	}
	nonce := make([]byte, box.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	content := append(head, box.Seal(nonce, nonce, plain, nil)...)
	temporary := file + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
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
