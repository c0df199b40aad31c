package page

import (
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// confirmed reports whether the access is attached: the browser goes on by itself.
func (v ReturnAnswered) confirmed() bool { return v.Status == "success" }

// words returns the title and the text after an answer.
func (v ReturnAnswered) words(d drawing) (title, explanation string) {
	key := "answered." + v.Unconfirmed
	switch {
	case v.confirmed() && v.Target == "":
		key = "elsewhere.success"
	case v.confirmed():
		key = "answered.confirmed"
	case v.Unconfirmed == "":
		key = "elsewhere.error"
	}
	return d.text(key+".title", "Bank", v.Bank.Name), d.text(key+".text", "Bank", v.Bank.Name)
}

// facts describes the browser that left, and this one.
func (v ConfirmReturn) facts(d drawing) []fact {
	facts := []fact{
		{label: d.text("confirm.bank"), text: v.Bank.Name},
		{label: d.text("confirm.client"), text: d.text("confirm.receiver")},
		{label: d.text("confirm.begun"), text: moment(d, v.BegunAt)},
	}
	if v.Device != "" {
		facts = append(facts, fact{label: d.text("confirm.device"), text: device(d, v.Device)})
	}
	if v.Here != "" {
		facts = append(facts, fact{label: d.text("confirm.here"), text: device(d, v.Here)})
	}
	return facts
}

// moment formats an instant in Paris to the minute.
func moment(d drawing, t time.Time) string {
	return d.text("date.moment", "Day", d.day(t), "Time", clock(t))
}

// clock formats the time of an instant in Paris.
func clock(t time.Time) string { return t.In(oxlin.Paris).Format("15:04") }

// device returns the words for a device, as web.DeviceOf writes it.
func device(d drawing, told string) string {
	kind, names, _ := strings.Cut(told, ": ")
	key := "device." + kind
	if !Texts.Has(key) {
		return told
	}
	return d.text(key, "Names", names)
}
