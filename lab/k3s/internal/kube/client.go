// Package kube is a small client for the API: JSON maps in and out.
package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Object is any Kubernetes object.
type Object = map[string]any

// Client talks to one API server.
type Client struct {
	base  string
	http  *http.Client
	agent string
}

// New makes a client for an address such as https://127.0.0.1:6444.
func New(base string, config *tls.Config) *Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}
	return &Client{base: base, http: &http.Client{Transport: transport}, agent: "k3s"}
}

// As returns the same client under another User-Agent, whose part before the slash is the field manager.
func (c *Client) As(agent string) *Client {
	named := *c
	named.agent = agent
	return &named
}

// Error is a refusal by the API.
type Error struct {
	Code            int
	Reason, Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Code, e.Reason, e.Message) }

// Code returns the HTTP status of an API refusal, or 0.
func Code(err error) int {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// Content types of bodies.
const (
	JSON       = "application/json"
	MergePatch = "application/merge-patch+json"
)

// Get reads an object or list.
func (c *Client) Get(ctx context.Context, path string) (Object, error) {
	return c.Do(ctx, http.MethodGet, path, "", nil)
}

// Do makes one bounded request; body is marshalled.
func (c *Client) Do(ctx context.Context, method, path, kind string, body any) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	response, err := c.send(ctx, method, path, kind, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var object Object
	if json.Unmarshal(content, &object) != nil && response.StatusCode < http.StatusBadRequest {
		return Object{"text": string(content)}, nil // /readyz and friends
	}
	return object, refusal(response.StatusCode, object, content)
}

func (c *Client) send(ctx context.Context, method, path, kind string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.agent)
	request.Header.Set("Accept", JSON)
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	return c.http.Do(request)
}

func refusal(code int, object Object, content []byte) error {
	if code < http.StatusBadRequest {
		return nil
	}
	message, _ := object["message"].(string)
	reason, _ := object["reason"].(string)
	if message == "" {
		message = string(content)
	}
	return &Error{Code: code, Reason: reason, Message: message}
}

// Upsert creates the object, or replaces the one that exists at path/name.
func (c *Client) Upsert(ctx context.Context, path, name string, object Object) error {
	_, err := c.Do(ctx, http.MethodPost, path, JSON, object)
	if Code(err) == http.StatusConflict {
		_, err = c.Do(ctx, http.MethodPatch, path+"/"+name, MergePatch, object)
	}
	return err
}

// String follows keys into nested maps and returns the string there, or "".
func String(object Object, keys ...string) string {
	for _, key := range keys[:len(keys)-1] {
		object, _ = object[key].(Object)
	}
	text, _ := object[keys[len(keys)-1]].(string)
	return text
}
