/**
 * The tables of `state.db`. Each migration is final once released: files of every older version lie on people's disks.
 * Digests are columns of bytes beside an integer key; text keys cost three times the time and the space.
 */
import type { Migration } from './database.ts'

/** "Winn" in ASCII; marks the file as this program's. */
export const stateApplicationId = 0x57696e6e

export const stateMigrations: readonly Migration[] = [
  (connection) => {
    connection.exec(`
      CREATE TABLE registries (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
      CREATE TABLE repositories (
        id INTEGER PRIMARY KEY,
        registry_id INTEGER NOT NULL REFERENCES registries (id),
        name TEXT NOT NULL,
        UNIQUE (registry_id, name)
      );
      CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        finished_at INTEGER,
        outcome TEXT,
        registries TEXT NOT NULL,
        undo_of TEXT,
        plan TEXT NOT NULL
      );
      -- Manifest bytes, once for all runs and repositories.
      CREATE TABLE contents (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);
      CREATE TABLE saved (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES runs (id),
        repository_id INTEGER NOT NULL REFERENCES repositories (id),
        content_id INTEGER NOT NULL REFERENCES contents (id),
        media_type TEXT NOT NULL,
        tags TEXT NOT NULL,
        UNIQUE (run_id, repository_id, content_id)
      );
      CREATE TABLE intents (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES runs (id),
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        repository_id INTEGER NOT NULL REFERENCES repositories (id),
        digest BLOB NOT NULL,
        tags TEXT NOT NULL,
        fence INTEGER NOT NULL,
        root BLOB NOT NULL,
        UNIQUE (run_id, sequence)
      );
      -- Only ever appended to: an outcome settled later stands beside the first one, and the last one counts.
      CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES runs (id),
        sequence INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        text TEXT NOT NULL,
        at INTEGER NOT NULL
      );
      CREATE INDEX outcomes_by_run ON outcomes (run_id, sequence);
    `)
  },
  (connection) => {
    connection.exec(`
      CREATE TABLE in_use (
        id INTEGER PRIMARY KEY,
        registry_id INTEGER NOT NULL REFERENCES registries (id),
        digest BLOB NOT NULL,
        at INTEGER NOT NULL,
        source TEXT NOT NULL,
        place TEXT NOT NULL,
        UNIQUE (registry_id, digest)
      );
      CREATE TABLE listings (repository_id INTEGER PRIMARY KEY REFERENCES repositories (id), at INTEGER NOT NULL);
      -- What the newest complete inventory of a repository holds.
      CREATE TABLE listed (
        id INTEGER PRIMARY KEY,
        repository_id INTEGER NOT NULL REFERENCES repositories (id),
        digest BLOB NOT NULL,
        first_seen_at INTEGER,
        UNIQUE (repository_id, digest)
      );
      CREATE TABLE snapshots (id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, snapshot TEXT NOT NULL);
      CREATE TABLE pushes (
        id INTEGER PRIMARY KEY,
        repository_id INTEGER NOT NULL REFERENCES repositories (id),
        digest BLOB NOT NULL,
        at INTEGER NOT NULL,
        UNIQUE (repository_id, digest)
      );
      -- A row outlives its holder, because its token must never be given out again.
      CREATE TABLE leases (id INTEGER PRIMARY KEY, resource TEXT NOT NULL UNIQUE, token INTEGER NOT NULL, lease TEXT);
    `)
  },
  (connection) => {
    connection.exec(`
      -- Links from images to commits, for registries that take no records of them.
      CREATE TABLE links (
        id INTEGER PRIMARY KEY,
        repository_id INTEGER NOT NULL REFERENCES repositories (id),
        digest BLOB NOT NULL,
        commit_id BLOB NOT NULL,
        source TEXT,
        ref TEXT,
        at INTEGER NOT NULL,
        UNIQUE (repository_id, digest, commit_id)
      );
    `)
  },
  (connection) => {
    // What a sweep did to blobs, as JSON: it is shown, and nothing is searched for by it.
    connection.exec('ALTER TABLE runs ADD COLUMN swept TEXT')
  },
  (connection) => {
    connection.exec(`
      -- By address, not by name: another configuration may call the same registry by another name.
      CREATE TABLE proofs (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL,
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        deletes_tags INTEGER NOT NULL,
        UNIQUE (address, kind)
      );
    `)
  },
]
