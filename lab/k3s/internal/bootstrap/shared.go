package bootstrap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// Keys is as much of a datastore as the data of several servers need.
type Keys interface {
	// Get returns the value of a key; found is false when there is none.
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	// Create makes a key; done is false when it is there already.
	Create(ctx context.Context, key string, value []byte) (done bool, err error)
	// Any tells whether there is a key with the prefix.
	Any(ctx context.Context, prefix string) (bool, error)
}

const prefix = "/bootstrap"

// key is that of one token's data: whoever has another token finds nothing, and sees that there is something.
func key(password string) string {
	hash := sha256.Sum256([]byte(password))
	return prefix + "/" + hex.EncodeToString(hash[:])[:12]
}

// Take brings the files under tls in line with the datastore, whose data win over those that are there: all servers
// of a cluster have the same authorities. Found is false when nothing is stored yet.
func Take(ctx context.Context, keys Keys, tls, password string) (found bool, err error) {
	content, found, err := keys.Get(ctx, key(password))
	if err != nil {
		return false, err
	}
	if !found {
		other, err := keys.Any(ctx, prefix)
		if err == nil && other {
			err = ErrOtherToken
		}
		return false, err
	}
	files, err := open(content, password)
	if err != nil {
		return false, err
	}
	return true, write(tls, files)
}

// Offer stores the files under tls for all servers. Taken is false when another server was faster: its data are to be
// taken then.
func Offer(ctx context.Context, keys Keys, tls, password string) (taken bool, err error) {
	content, err := seal(tls, password)
	if err != nil {
		return false, err
	}
	return keys.Create(ctx, key(password), content)
}
