// klauspost/reedsolomon as a peer of bench_coding; bench/coding/peers/README.md has the requests.
//
// Leopard over GF(2^16), one goroutine, vector instructions as the library chooses them. Shards and
// work buffers live on between rounds, so that they are touched before anything is timed.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/reedsolomon"
)

const name = "klauspost/reedsolomon v1.14.2"

type shape struct{ k, m, size int }

type code struct {
	coder  reedsolomon.Encoder
	shards [][]byte // k data, m parity
	want   [][]byte // the same, checked: the parity gave back all of the data by itself
	spare  [][]byte // where lost rows are rebuilt
}

// SplitMix64: any content will do, as long as it is not zero.
func fill(out []byte, state *uint64) {
	for i := range out {
		if i%8 == 0 {
			*state += 0x9e3779b97f4a7c15
		}
		z := (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb
		out[i] = byte((z ^ (z >> 31)) >> (8 * (i % 8)))
	}
}

func newCode(s shape) (*code, error) {
	coder, err := reedsolomon.New(s.k, s.m, reedsolomon.WithLeopardGF16(true),
		reedsolomon.WithMaxGoroutines(1))
	if err != nil {
		return nil, err
	}
	c := &code{coder: coder,
		shards: reedsolomon.AllocAligned(s.k+s.m, s.size),
		want:   reedsolomon.AllocAligned(s.k+s.m, s.size),
		spare:  reedsolomon.AllocAligned(s.k+s.m, s.size)}
	state := uint64(1)
	for i, row := range c.spare {
		fill(c.want[i], &state)
		fill(row, &state)
		copy(c.shards[i], c.want[i])
	}
	if err := coder.Encode(c.shards); err != nil {
		return nil, err
	}
	for i := s.k; i < s.k+s.m; i++ {
		copy(c.want[i], c.shards[i])
	}
	lost := make([]bool, s.k+s.m)
	for i := 0; i < s.k; i++ {
		lost[i] = true
	}
	_, same, err := c.decode(s.k, lost)
	if err == nil && !same {
		err = errors.New("parity alone does not give the data back")
	}
	return c, err
}

func (c *code) encode(k int) (time.Duration, bool, error) {
	begin := time.Now()
	err := c.coder.Encode(c.shards)
	took := time.Since(begin)
	for i := k; i < len(c.shards); i++ {
		if !bytes.Equal(c.shards[i], c.want[i]) {
			return took, false, err
		}
	}
	return took, true, err
}

// Rebuilds the lost data rows only. Of the parity that is left, as many rows are given as data rows
// are lost.
func (c *code) decode(k int, lost []bool) (time.Duration, bool, error) {
	shards := make([][]byte, len(c.shards))
	missing := 0
	for i := range shards {
		switch {
		case i < k && lost[i]:
			shards[i] = c.spare[i][:0] // a length of 0 is a lost shard, its memory the place for it
			missing++
		case i < k:
			shards[i] = c.want[i]
		case !lost[i] && missing > 0:
			shards[i] = c.want[i]
			missing--
		}
	}
	begin := time.Now()
	err := c.coder.ReconstructData(shards)
	took := time.Since(begin)
	for i := 0; i < k; i++ {
		if !bytes.Equal(shards[i], c.want[i]) {
			return took, false, err
		}
	}
	return took, true, err
}

func answer(codes map[shape]*code, words []string) (time.Duration, int, bool, error) {
	if len(words) < 4 {
		return 0, 0, false, errors.New("expected: encode|decode K M SIZE [LOST ...]")
	}
	numbers := make([]int, len(words))
	for i := 1; i < len(words); i++ {
		n, err := strconv.Atoi(words[i])
		if err != nil {
			return 0, 0, false, err
		}
		numbers[i] = n
	}
	s := shape{numbers[1], numbers[2], numbers[3]}
	c := codes[s]
	if c == nil {
		var err error
		if c, err = newCode(s); err != nil {
			return 0, 0, false, err
		}
		codes[s] = c
	}
	lost := make([]bool, s.k+s.m)
	for _, i := range numbers[4:] {
		if i < 0 || i >= len(lost) {
			return 0, 0, false, errors.New("a lost row is outside the code")
		}
		lost[i] = true
	}
	var took time.Duration
	var same bool
	var err error
	switch words[0] {
	case "encode":
		took, same, err = c.encode(s.k)
	case "decode":
		took, same, err = c.decode(s.k, lost)
	default:
		err = errors.New("not a measure of this peer")
	}
	return took, s.k * s.size, same, err
}

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1) // no collection falls into a timed part; little is allocated
	codes := map[shape]*code{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		measure := strings.Join(words[:min(4, len(words))], " ")
		took, size, same, err := answer(codes, words)
		if err != nil {
			fmt.Printf("{\"peer\":%q,\"measure\":%q,\"error\":%q}\n", name, measure, err.Error())
			continue
		}
		fmt.Printf("{\"peer\":%q,\"measure\":%q,\"ms\":%g,\"bytes\":%d,\"check\":%t}\n",
			name, measure, took.Seconds()*1e3, size, same)
	}
}
