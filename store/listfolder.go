package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/caddy-mirrorbrain/caddy-mirrorbrain/mirror"
)

// FolderListing is what is directly in a folder, in no particular order.
type FolderListing struct {
	Folders []ListedFolder
	Files   []ListedFile
	Aliases []Alias // Path is the name alone
	More    bool    // there was more than was asked for
}

// ListedFolder is a folder with at least one current file below it. What is
// below it is counted as of the last index run.
type ListedFolder struct {
	Name         string
	Files, Bytes int64
}

// ListedFile is the current version of a file.
type ListedFile struct {
	mirror.Version

	Name string
}

const listingFolder = "listing a folder"

// ListFolder gives what is in a folder, at most so many files, and folders, and
// aliases. ErrNotFound: there is no such folder.
func (s *Store) ListFolder(ctx context.Context, folder string, most int) (*FolderListing, error) {
	l := new(FolderListing)
	err := s.read(ctx, func(n *Snapshot) error {
		id, err := findFolder(ctx, n.q, s.d.bytes, folder)
		if err != nil {
			return err
		}
		if l.Folders, err = n.listFolders(id, most); err != nil {
			return err
		}
		if err := n.listFiles(l, id, most); err != nil {
			return err
		}
		return n.listAliases(l, id, most)
	})
	if err != nil {
		return nil, fail(listingFolder, deadline(ctx, err))
	}
	for _, have := range []int{len(l.Folders), len(l.Files), len(l.Aliases)} {
		l.More = l.More || have > most
	}
	l.Folders, l.Files, l.Aliases = l.Folders[:min(most, len(l.Folders))], l.Files[:min(most, len(l.Files))], l.Aliases[:min(most, len(l.Aliases))]
	return l, nil
}

// ListFolders gives the folders in a folder alone.
func (s *Store) ListFolders(ctx context.Context, folder string, most int) (list []ListedFolder, err error) {
	err = s.read(ctx, func(n *Snapshot) error {
		id, err := findFolder(ctx, n.q, s.d.bytes, folder)
		if err != nil {
			return err
		}
		list, err = n.listFolders(id, most)
		return err
	})
	return list[:min(most, len(list))], fail(listingFolder, deadline(ctx, err))
}

// listFolders reads one more than asked for, where there is one; the others do
// likewise.
func (n *Snapshot) listFolders(folder int64, most int) (list []ListedFolder, err error) {
	err = n.listed(`SELECT f.name, s.files, s.bytes FROM folder f JOIN folder_stat s ON s.folder = f.id
		WHERE f.parent = $1 AND f.id <> 1 AND s.files > 0`, folder, most, func(rows *sql.Rows) error {
		var f ListedFolder
		var name sql.RawBytes
		if err := rows.Scan(&name, &f.Files, &f.Bytes); err != nil {
			return err
		}
		f.Name = string(name)
		list = append(list, f)
		return nil
	})
	return list, err
}

func (n *Snapshot) listFiles(l *FolderListing, folder int64, most int) error {
	return n.listed("SELECT name, id, size, mtime, mtime_precision FROM file WHERE folder = $1 AND gone = 0", folder, most, func(rows *sql.Rows) error {
		var f ListedFile
		var name sql.RawBytes
		if err := rows.Scan(&name, &f.ID, &f.Size, &f.MTime, &f.Precision); err != nil {
			return err
		}
		f.Name = string(name)
		l.Files = append(l.Files, f)
		return nil
	})
}

func (n *Snapshot) listAliases(l *FolderListing, folder int64, most int) error {
	return n.listed("SELECT name, target, is_folder FROM alias WHERE folder = $1 AND gone = 0", folder, most, func(rows *sql.Rows) error {
		var a Alias
		var name, target sql.RawBytes
		if err := rows.Scan(&name, &target, &a.Folder); err != nil {
			return err
		}
		a.Path, a.Target = string(name), string(target)
		l.Aliases = append(l.Aliases, a)
		return nil
	})
}

// listed runs a query about a folder.
func (n *Snapshot) listed(query string, folder int64, most int, scan func(*sql.Rows) error) error {
	rows, err := n.q.QueryContext(n.ctx, query+fmt.Sprintf(" LIMIT %d", most+1), folder)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
