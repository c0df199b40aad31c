package stet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/oxlin/oxlin/bank"
)

// maxAnswer bounds what we read of one answer: a page of a thousand rows is a
// tenth of it.
const maxAnswer = 16 << 20

// get reads a resource into a value, which stays as it is where the bank says
// that there is nothing: 204, an empty body, or what Config.Answers calls empty.
func (c *Connector) get(ctx context.Context, call bank.Call, op, resource, query string, into any) error {
	return c.ask(ctx, call, op, http.MethodGet, resource, query, nil, into)
}

// ask sends one request of the STET API and reads its answer.
func (c *Connector) ask(ctx context.Context, call bank.Call, op, method, resource, query string, body, into any) error {
	var content []byte
	if body != nil {
		var err error
		content, err = json.Marshal(body)
		if err != nil {
			return nonsense(err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base.String()+resource, bytes.NewReader(content))
	if err != nil {
		return nonsense(fmt.Errorf("request for %s: %w", op, err))
	}
	request.URL.RawQuery = query
	request.Header.Set("Accept", c.config.Accept)
	request.Header.Set("Authorization", "Bearer "+call.Access.Token.Reveal())
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	// The presence of PSU-IP-Address declares the user as present (banks §1.5).
	if call.PSU != nil && call.PSU.IP != "" {
		request.Header.Set("PSU-IP-Address", call.PSU.IP)
		agent := clean(call.PSU.UserAgent)
		if agent != "" {
			request.Header.Set("PSU-User-Agent", agent)
		}
	}
	err = c.stamp(request)
	if err != nil {
		return err
	}
	if c.signer != nil {
		err = c.signer.Sign(request, content)
		if err != nil {
			return nonsense(err)
		}
	}
	answer, err := c.send(request)
	if err != nil {
		return err
	}
	return c.read(op, answer, into)
}

// stamp gives a request its id and its date.
func (c *Connector) stamp(request *http.Request) error {
	id, err := uuid.NewRandomFromReader(c.rand)
	if err != nil {
		return nonsense(fmt.Errorf("request id: %w", err))
	}
	request.Header.Set("X-Request-ID", id.String())
	now := c.now().UTC()
	request.Header.Set("Date", now.Format(http.TimeFormat))
	if c.dateZone != nil {
		request.Header.Set("Date", now.In(c.dateZone).Format("Mon, 02 Jan 2006 15:04:05 MST"))
	}
	return nil
}

// answer is what came back, completely read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *Connector) send(request *http.Request) (answer, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, unreachable(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, unreachable(err)
	}
	if len(body) > maxAnswer {
		return answer{}, nonsense(fmt.Errorf("the answer is larger than %d bytes", maxAnswer))
	}
	return answer{response.StatusCode, response.Header, bytes.TrimSpace(body)}, nil
}

// unreachable wraps an error of the network without the address, which names the
// user's account.
func unreachable(err error) *bank.Failure {
	var inAddress *url.Error
	if errors.As(err, &inAddress) {
		err = inAddress.Err
	}
	return &bank.Failure{Kind: bank.Unavailable, Err: err}
}

// read decodes an answer, or says what its failure means.
func (c *Connector) read(op string, a answer, into any) error {
	if a.status < 200 || a.status > 299 {
		return c.judge(op, a)
	}
	if len(a.body) == 0 || into == nil {
		return nil
	}
	err := json.Unmarshal(a.body, into)
	if err != nil {
		failure := nonsense(describe(err))
		failure.Status = a.status
		return failure
	}
	return nil
}
