package page

// label returns the text of a question about a file.
func (q FileQuestion) label(d drawing) string {
	switch {
	case q.Kind != "column":
		return d.text("file.question." + q.Kind)
	case q.Title != "":
		return d.text("file.column.named", "Number", q.Column, "Title", q.Title)
	}
	return d.text("file.column", "Number", q.Column)
}

// text returns the text of an answer.
func (q FileQuestion) text(d drawing, option FileOption) string {
	if option.Text != "" {
		return option.Text
	}
	value := option.Value
	switch value {
	case "":
		value = "none"
	case ",":
		value = "comma"
	case ".":
		value = "dot"
	}
	return d.text("file." + q.Kind + "." + value)
}

// widest returns the number of columns of a table.
func widest(rows [][]string) int {
	most := 0
	for _, row := range rows {
		most = max(most, len(row))
	}
	return most
}
