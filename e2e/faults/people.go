package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin/e2e/journey"
)

// row is a transaction as the bank and the API have it, without ids.
type row struct{ account, day, amount string }

// person is a customer of the test bank, whose file grows. The file is the ground truth.
type person struct {
	number          int
	login, password string

	mutex sync.Mutex
	rows  []row
	// served is how many of the rows the bank has fetched.
	served int
}

// accounts are those of each person. The last one is on the bank's web site alone.
var accounts = []struct{ name, kind string }{{"COMPTE UN", "Checkings"}, {"COMPTE DEUX", "Checkings"}, {"LIVRET TROIS", "Savings"}}

// balance is that of each account: the file gives it for the end of the first day.
const balance = "1000"

func newPerson(random *rand.Rand, number int) *person {
	p := &person{number: number, login: "jo" + strconv.Itoa(number), password: fmt.Sprintf("pw-%016x%016x", random.Uint64(), random.Uint64())}
	p.grow(random, 15+random.IntN(25), 60)
	twin := p.rows[0] // two coffees of one day
	p.rows = append(p.rows, twin)
	return p
}

// grow adds rows of the last days to the file.
func (p *person) grow(random *rand.Rand, rows, days int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for range rows {
		p.rows = append(p.rows, row{
			account: accounts[random.IntN(len(accounts))].name,
			day:     today().AddDate(0, 0, -random.IntN(days)).Format(time.DateOnly),
			// Without a zero at the end, so that it is written in one way only.
			amount: fmt.Sprintf("-%d.%d%d", 1+random.IntN(900), random.IntN(10), 1+random.IntN(9)),
		})
	}
}

// today is the day in Paris.
func today() time.Time {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	year, month, day := time.Now().In(paris).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// file is the person's file, with all rows.
func (p *person) file() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.served = len(p.rows)
	var text strings.Builder
	fmt.Fprintf(&text, "CREDENTIALS|%s|%s\nCREDENTIALS_OWNER|JO %d\n", p.login, p.password, p.number)
	for i, account := range accounts {
		fmt.Fprintf(&text, "ACCOUNT|UID%d-%d|000%05d%d|D|%s|%s|||JO %d|%s|true|true||EUR\n",
			p.number, i, p.number, i, balance, account.kind, p.number, account.name)
		for n, row := range p.rows {
			if row.account != account.name {
				continue
			}
			day, err := time.Parse(time.DateOnly, row.day)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&text, "TRANSACTION|%s|%s|CB MAGASIN %d\n", row.amount, day.Format("02/01/2006"), n)
		}
	}
	return text.String()
}

// truth counts the rows that the bank shows by a channel.
func (p *person) truth(embedded bool) map[row]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	rows := map[row]int{}
	for _, row := range p.rows[:p.served] {
		if embedded || row.account != accounts[len(accounts)-1].name {
			rows[row]++
		}
	}
	return rows
}

// people serves the files of all.
type people struct {
	all []*person
	web *httptest.Server
}

func newPeople(seed uint64, n int) *people {
	p := &people{}
	for i := range n {
		p.all = append(p.all, newPerson(rand.New(rand.NewPCG(seed, uint64(i))), i))
	}
	p.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || n < 0 || n >= len(p.all) {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(p.all[n].file()))
	}))
	return p
}

// customer is how a person logs in at the bank.
func (p *people) customer(number int) journey.Customer {
	one := p.all[number]
	return journey.Customer{Login: one.login, Password: one.password, Code: "123456", File: p.web.URL + "/" + strconv.Itoa(number)}
}
