package front

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The API server answers before the proxy has seen the end of the request's body: now and then on a busy machine,
// always here.
func TestAnAnswerThatBeginsBeforeTheRequestHasEndedIsWhole(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Length", "6")
		io.ReadFull(r.Body, make([]byte, 3))
		io.WriteString(w, "one")
		control.Flush()
		io.ReadFull(r.Body, make([]byte, 3))
		io.WriteString(w, "two")
	}))
	defer api.Close()
	verifier := &Verifier{Clients: x509.NewCertPool(), Requests: x509.NewCertPool()}
	trust := &tls.Config{InsecureSkipVerify: true}
	front := httptest.NewTLSServer(NewProxy(strings.TrimPrefix(api.URL, "https://"), trust, verifier, "v1.34.1+k3s1"))
	defer front.Close()
	connection, err := tls.Dial("tcp", strings.TrimPrefix(front.URL, "https://"), trust)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(connection, "POST / HTTP/1.1\r\nHost: front\r\nContent-Length: 6\r\n\r\nabc")
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(connection, "def")
	body, err := io.ReadAll(answer.Body)
	if string(body) != "onetwo" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}
