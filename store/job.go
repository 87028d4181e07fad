package store

import (
	"context"
	"time"
)

// Job is the last run of recurring work, whichever host it was on.
type Job struct {
	Name    string
	Started time.Time // by the database's clock, as Ended
	Ended   time.Time // zero: it is under way, or its host died
	Failing int       // how many runs failed, one after the other
	Holder  string    // who runs or ran it
	Error   string    // why the last run that ended failed; "" it was good
}

// StartJob notes that holder begins a run.
func (s *Store) StartJob(ctx context.Context, name, holder string) error {
	return s.update(ctx, "noting the begin of job "+name, func(t *tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO job (name, started, ended, failing, holder, error) VALUES ($1, `+s.d.now+`, 0, 0, $2, '')
			ON CONFLICT (name) DO UPDATE SET started = excluded.started, ended = 0, holder = excluded.holder`, name, text(holder))
		return err
	})
}

// EndJob notes the end of holder's run; failure "" is success. Nothing happens
// when another has begun one since.
func (s *Store) EndJob(ctx context.Context, name, holder, failure string) error {
	return s.update(ctx, "noting the end of job "+name, func(t *tx) error {
		_, err := t.ExecContext(ctx, `UPDATE job SET ended = `+s.d.now+`, error = $1, failing = CASE WHEN $1 = '' THEN 0 ELSE failing + 1 END
			WHERE name = $2 AND holder = $3`, text(failure), name, text(holder))
		return err
	})
}

// Jobs gives the last run of every job, by name.
func (s *Store) Jobs(ctx context.Context) ([]Job, error) {
	all, err := s.jobs(ctx)
	return all, fail("reading the jobs", deadline(ctx, err))
}

func (s *Store) jobs(ctx context.Context) ([]Job, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, started, ended, failing, holder, error FROM job ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Job
	for rows.Next() {
		var j Job
		var started, ended int64
		if err := rows.Scan(&j.Name, &started, &ended, &j.Failing, &j.Holder, &j.Error); err != nil {
			return nil, err
		}
		j.Started, j.Ended = instant(started), instant(ended)
		all = append(all, j)
	}
	return all, rows.Err()
}
