package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// sealLine is the line of an export after the entries of a batch. Dropped is set for a batch
// whose entries are gone, because the retention was over.
type sealLine struct {
	Batch    int64  `json:"batch"`
	Entries  int64  `json:"entries"`
	Dropped  bool   `json:"dropped,omitempty"`
	SealedAt string `json:"sealed_at"`
	NewestAt string `json:"newest_at"`
	Hash     string `json:"hash"`
	Seal     string `json:"seal"`
}

// headLine is the last line of an export.
type headLine struct {
	Head     int64  `json:"head"`
	Dropped  int64  `json:"dropped_batches"`
	SealedAt string `json:"sealed_at"`
	Hash     string `json:"hash"`
	Seal     string `json:"seal"`
}

// exportPage is how many entries are read at once.
const exportPage = 500

// Export writes the log as lines of JSON, and records that it did. Without a filter, all
// batches are written with their seals, so that VerifyFile can check the file. With one, the
// selected entries are written alone. What is sealed with the key of a user stays sealed: a
// copy of the log must not outlive a deletion.
func (l *Log) Export(ctx context.Context, w io.Writer, f Filter) (entries int64, err error) {
	whole := f == Filter{}
	err = l.options.DB.Write(ctx, func(tx *store.Tx) error {
		kind := "selection"
		if whole {
			kind = "whole"
		}
		return l.Record(ctx, tx, Entry{
			Action: Exported, Client: f.Client, User: f.User, Connection: f.Connection, Consent: f.Consent, Details: Details{Kind: kind},
		})
	})
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(w)
	if whole {
		entries, err = l.exportBatches(ctx, out)
	} else {
		entries, err = l.exportSelected(ctx, out, f)
	}
	if err != nil {
		return entries, err
	}
	return entries, out.Flush()
}

func (l *Log) exportSelected(ctx context.Context, out *bufio.Writer, f Filter) (n int64, err error) {
	f.NewestFirst = false
	for {
		rows, err := l.rows(ctx, f, exportPage)
		if err != nil {
			return n, err
		}
		for _, row := range rows {
			text, err := line(row)
			if err != nil {
				return n, err
			}
			out.Write(text)
			out.WriteByte('\n')
			n++
			f.After = row.ID
		}
		if len(rows) < exportPage {
			return n, nil
		}
	}
}

func (l *Log) exportBatches(ctx context.Context, out *bufio.Writer) (n int64, err error) {
	err = l.Seal(ctx, true)
	if err != nil {
		return 0, err
	}
	head, err := l.reader().Head(ctx)
	if err != nil {
		return 0, err
	}
	write := func(value any) error {
		text, err := encode(value)
		out.Write(text)
		out.WriteByte('\n')
		return err
	}
	for number := int64(1); number <= head.Number; {
		batches, err := l.reader().Batches(ctx, number, exportPage)
		if err != nil {
			return n, err
		}
		if len(batches) == 0 {
			return n, fmt.Errorf("%w: batch %d is missing", ErrBroken, number)
		}
		for _, b := range batches {
			number = b.Number + 1
			if b.Number > head.Number {
				break
			}
			rows, err := l.reader().EntriesOf(ctx, b)
			if err != nil {
				return n, err
			}
			for _, row := range rows {
				text, err := line(row)
				if err != nil {
					return n, err
				}
				out.Write(text)
				out.WriteByte('\n')
				n++
			}
			err = write(sealLine{
				Batch: b.Number, Entries: b.Entries, Dropped: b.Number <= head.Dropped,
				SealedAt: b.SealedAt.UTC().Format(instantFormat), NewestAt: b.NewestAt.UTC().Format(instantFormat),
				Hash: hex.EncodeToString(b.Hash), Seal: hex.EncodeToString(b.Seal),
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, write(headLine{
		Head: head.Number, Dropped: head.Dropped, SealedAt: head.SealedAt.UTC().Format(instantFormat),
		Hash: hex.EncodeToString(head.Hash), Seal: hex.EncodeToString(head.Seal),
	})
}

// fileReader checks a whole export line by line.
type fileReader struct {
	log   *Log
	found Verified
	// lines are those of the next batch, and hash is that of the last one.
	lines  [][]byte
	newest time.Time
	hash   []byte
	number int64
	ended  bool
}

// VerifyFile checks an export of the whole log as Verify does the database.
func (l *Log) VerifyFile(r io.Reader, anchor Anchor) (Verified, error) {
	f := &fileReader{log: l}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), 16<<20)
	for n := 1; lines.Scan(); n++ {
		err := f.read(bytes.Clone(lines.Bytes()), anchor)
		if errors.Is(err, vault.ErrAway) {
			return f.found, err // it says nothing about the log
		}
		if err != nil {
			return f.found, fmt.Errorf("%w: line %d: %w", ErrBroken, n, err)
		}
	}
	err := lines.Err()
	if err != nil {
		return f.found, err
	}
	if !f.ended {
		return f.found, fmt.Errorf("%w: it has no end; only an export of the whole log can be verified", ErrBroken)
	}
	if anchor.Batch > f.number {
		return f.found, fmt.Errorf("%w: it ends with batch %d, and batch %d is missing", ErrBroken, f.number, anchor.Batch)
	}
	return f.found, nil
}

// read reads one line.
func (f *fileReader) read(text []byte, anchor Anchor) error {
	if f.ended {
		return errors.New("a line follows the end")
	}
	var kind struct {
		ID, Batch, Head *int64
		At              string
	}
	err := json.Unmarshal(text, &kind)
	if err != nil {
		return err
	}
	switch {
	case kind.Head != nil:
		return f.readHead(text)
	case kind.Batch != nil:
		return f.readSeal(text, anchor)
	case kind.ID == nil:
		return errors.New("it is neither an entry nor a seal")
	}
	at, err := time.Parse(instantFormat, kind.At)
	if err != nil {
		return err
	}
	if at.After(f.newest) {
		f.newest = at
	}
	f.lines = append(f.lines, text)
	return nil
}

func (f *fileReader) readSeal(text []byte, anchor Anchor) error {
	var s sealLine
	err := json.Unmarshal(text, &s)
	if err != nil {
		return err
	}
	b := store.AuditBatch{Number: s.Batch, Entries: s.Entries}
	var problems [4]error
	b.SealedAt, problems[0] = time.Parse(instantFormat, s.SealedAt)
	b.NewestAt, problems[1] = time.Parse(instantFormat, s.NewestAt)
	b.Hash, problems[2] = hex.DecodeString(s.Hash)
	b.Seal, problems[3] = hex.DecodeString(s.Seal)
	err = errors.Join(problems[:]...)
	if err != nil {
		return err
	}
	fits, err := f.log.fits(b.Seal, sealedOf(b))
	switch {
	case err != nil:
		return err
	case b.Number != f.number+1:
		return fmt.Errorf("batch %d is missing", f.number+1)
	case !fits:
		return fmt.Errorf("batch %d does not fit its seal", b.Number)
	case s.Dropped && len(f.lines) > 0:
		return fmt.Errorf("batch %d was dropped, and has entries", b.Number)
	case s.Dropped && b.Number != f.found.Dropped+1:
		return fmt.Errorf("batch %d was dropped, and one before it was not", b.Number)
	case !s.Dropped && int64(len(f.lines)) != b.Entries:
		return fmt.Errorf("batch %d has %d entries, and %d were sealed", b.Number, len(f.lines), b.Entries)
	case !s.Dropped && !bytes.Equal(chained(f.hash, b, f.lines), b.Hash):
		return fmt.Errorf("an entry of batch %d was changed, exchanged or moved", b.Number)
	case b.Number == anchor.Batch && !bytes.Equal(b.Hash, anchor.Hash):
		return fmt.Errorf("batch %d is not the one that was noted", b.Number)
	}
	if s.Dropped {
		f.found.Dropped++
	} else {
		f.found.Entries += b.Entries
	}
	f.number, f.hash, f.lines = b.Number, b.Hash, nil
	f.found.Batches, f.found.Head = b.Number, s.Hash
	return nil
}

func (f *fileReader) readHead(text []byte) error {
	var s headLine
	err := json.Unmarshal(text, &s)
	if err != nil {
		return err
	}
	h := store.AuditHead{Number: s.Head, Dropped: s.Dropped}
	var problems [3]error
	h.SealedAt, problems[0] = time.Parse(instantFormat, s.SealedAt)
	h.Hash, problems[1] = hex.DecodeString(s.Hash)
	h.Seal, problems[2] = hex.DecodeString(s.Seal)
	err = errors.Join(problems[:]...)
	if err != nil {
		return err
	}
	fits, err := f.log.fits(h.Seal, sealedOfHead(h))
	switch {
	case err != nil:
		return err
	case len(f.lines) > 0:
		return errors.New("the last entries belong to no batch")
	case h.Number != f.number || !bytes.Equal(h.Hash, f.hash):
		return errors.New("the last batch is not the one of the head: batch " + strconv.FormatInt(h.Number, 10))
	case h.Dropped != f.found.Dropped:
		return fmt.Errorf("%d batches were dropped, and %d lack their entries", h.Dropped, f.found.Dropped)
	case !fits:
		return errors.New("the head does not fit its seal")
	}
	f.ended = true
	return nil
}
