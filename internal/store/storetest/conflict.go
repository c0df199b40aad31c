package storetest

import (
	"fmt"
	"testing"

	"github.com/oxlin/oxlin/internal/store"
)

// Conflicts makes every few transactions on PostgreSQL fail that write to one of the tables,
// at their commit, as if another transaction had been in their way. It returns a function
// that counts them.
func Conflicts(t testing.TB, db *store.DB, every int, tables ...string) (count func() int) {
	t.Helper()
	run := func(statement string) {
		t.Helper()
		_, err := db.Postgres().Exec(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
	}
	// A repetition has another number: sequences are not rolled back. The numbers of PostgreSQL itself
	// would depend on what tests beside this one write.
	run("CREATE SEQUENCE conflicts")
	run("CREATE SEQUENCE conflicting")
	run(fmt.Sprintf(`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF COALESCE(current_setting('storetest.number', true), '') = '' THEN
			PERFORM set_config('storetest.number', nextval('conflicting')::text, true);
		END IF;
		IF current_setting('storetest.number')::bigint %% %d = 0 THEN
			PERFORM nextval('conflicts');
			RAISE EXCEPTION 'another transaction was in the way' USING ERRCODE = '40001';
		END IF;
		RETURN NULL;
	END $$`, every))
	for _, table := range tables {
		run(fmt.Sprintf(`CREATE CONSTRAINT TRIGGER conflict AFTER INSERT OR UPDATE OR DELETE ON %s
			DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conflict()`, table))
	}
	return func() (n int) {
		t.Helper()
		err := db.Postgres().QueryRow(t.Context(), "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM conflicts").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}
