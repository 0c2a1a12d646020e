package kube

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Event is one change; Synced marks the end of the initial list.
type Event struct {
	Type   string // ADDED, MODIFIED, DELETED
	Object Object
}

// Watch lists path, then follows it for ever: each object of the list comes as ADDED, a broken stream is resumed, a
// lost version relisted. It returns when the context ends.
func (c *Client) Watch(ctx context.Context, path string, handle func(Event)) {
	for ctx.Err() == nil {
		list, err := c.Get(ctx, path)
		if err != nil {
			pause(ctx)
			continue
		}
		items, _ := list["items"].([]any)
		for _, item := range items {
			if object, ok := item.(Object); ok {
				handle(Event{"ADDED", object})
			}
		}
		version := String(list, "metadata", "resourceVersion")
		for err == nil && ctx.Err() == nil {
			version, err = c.follow(ctx, path, version, handle)
		}
		pause(ctx)
	}
}

// follow reads one watch stream and returns the version it got to; an error asks for a new list.
func (c *Client) follow(ctx context.Context, path, version string, handle func(Event)) (string, error) {
	query := "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version
	response, err := c.send(ctx, http.MethodGet, path+query, "", nil)
	if err != nil {
		return version, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return version, errors.New(response.Status)
	}
	for lines := json.NewDecoder(response.Body); ; {
		var event struct {
			Type   string
			Object Object
		}
		if err := lines.Decode(&event); err != nil {
			return version, nil //nolint:nilerr // the stream ended: resume where it stopped
		}
		if event.Type == "ERROR" {
			return version, errors.New(String(event.Object, "message"))
		}
		version = String(event.Object, "metadata", "resourceVersion")
		if event.Type != "BOOKMARK" {
			handle(Event{strings.Clone(event.Type), event.Object})
		}
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}
