/*
 * The online sweep of Winnow, beside a running registry: one blob, two repositories, and everybody who touches it.
 *
 * Promise that is checked: a manifest that the registry accepted, and that nobody deleted, never loses the blob;
 * and a completed re-mark leaves nothing in quarantine that was needed when it began (LOST and OVERLOOKED below).
 * README.md beside this file says what is left out and why that is sound; `npm run model` runs every variant.
 *
 * Chosen at compile time:
 *   CACHE_NONE | CACHE_REDIS | CACHE_INMEMORY   the registry's descriptor cache
 *   BLOB_IS_MANIFEST                            the blob is the manifest's own bytes, not a layer
 *   REACH=n                                     fails where n happens: shows that the model can get there
 * Left out of the protocol, one at a time; each of these must break the promise:
 *   NO_REMARK          frees on the mark from before the set-aside
 *   NO_WAIT            marks again without waiting for the handlers that are under way
 *   NO_DEL             redis without DEL
 *   NO_GATE            frees although an in-memory cache is older than the set-aside
 *   WAIT_FROM_JOURNAL  counts the wait from the journal's intent, not from after the rename
 *   WAIT_FROM_RENAME   redis: counts the wait from the rename, not from a DEL that is late enough
 *   GATE_AFTER_MARK    in memory: looks at the registry's start times after the mark, not before
 *   NO_DRAIN           in memory: marks at once after a restart, though the old process may still drain
 *   PARTIAL_MARK       takes a repository that could not be read for an empty one
 */

/* ---- The store ------------------------------------------------------------------------------------------------- */

bit data = 1     /* the blob is in place */
bit trash        /* it is in quarantine; both at once after an upload of the same bytes */
bit rev[2]       /* the revision link of the manifest that needs the blob, in each repository: "accepted" */
bit young        /* a layer link was written since the fence, or since the set-aside where there is one */

/*
 * Layer links are not modelled as present or absent: both repositories are taken to have an old one from the start, so a
 * look-up never fails for want of a link. A registry that checks links refuses more, and refusing loses nothing.
 */

/* ---- Time ------------------------------------------------------------------------------------------------------ */

/*
 * There are no clocks. W is the longest time a handler of the registry runs, and all that waiting W from an event gives is
 * this: whatever handler was running at the event has ended. So an event marks the running handlers, and "W has passed since
 * the event" is possible as soon as no marked one is left. Real time passes this point later or at once, never before, so
 * every real course is among those searched. One mark is enough, because the collector waits for the latest event only.
 */
#define IDLE 0
#define RUNNING 1
#define MARKED 2
byte busy[2]

#define EVENT \
  if :: busy[0] == RUNNING -> busy[0] = MARKED :: else fi; \
  if :: busy[1] == RUNNING -> busy[1] = MARKED :: else fi
#ifdef NO_WAIT
#define WAITED true
#else
#define WAITED (busy[0] != MARKED && busy[1] != MARKED)
#endif

/* ---- The registry's descriptor cache --------------------------------------------------------------------------- */

/*
 * An entry says "the blob exists", and is believed without a look at the disk. It is stored some time after the disk was
 * read, by whoever read it: HEAD, a mount, the verification of a manifest, the end of an upload. Redis survives restarts.
 * In memory, every registry process has its own, and one process is modelled: the one that accepts the manifest that is
 * lost. Others touch neither its cache nor its restarts; they only make the gate, which waits for every process, later.
 */
#ifdef CACHE_NONE
#define HIT false
#define FILL skip
#define LEAVE skip
#endif
#ifdef CACHE_REDIS
bit cached
#define HIT cached
#define FILL cached = 1
#define LEAVE skip
#endif
#ifdef CACHE_INMEMORY
bit cached
/* Which cache the handler of a repository uses. */
#define ANY 0        /* it does not run, or has no more use for one */
#define CURRENT 1
#define OLD_EMPTY 2  /* that of a process which a restart has replaced, and which drains: without an entry */
#define OLD_FILLED 3 /* or with one */
byte cache[2]
#define HIT (cache[me] == OLD_FILLED || (cache[me] == CURRENT && cached))
#define FILL \
  if \
  :: cache[me] == CURRENT -> cached = 1 \
  :: cache[me] != CURRENT && cache[1 - me] == OLD_EMPTY -> cache[1 - me] = OLD_FILLED \
  :: else \
  fi; \
  LEAVE
#define LEAVE cache[me] = ANY
#endif

/* ---- What the collector has on record about the blob in quarantine; survives its crashes ------------------------ */

bit dated            /* a time of the set-aside, taken after the rename, is in the journal */
#ifdef CACHE_REDIS
bit cleared          /* so is the time of a DEL that came at least W later */
#define FORGET_GATE cleared = 0
#endif
#ifdef CACHE_INMEMORY
bit restarted        /* the process was started after that time */
#define FORGET_GATE restarted = 0
#endif
#ifdef CACHE_NONE
#define FORGET_GATE skip
#endif
/* With nothing in quarantine nobody waits for anything; a mark that means nothing is taken away, to save states. */
#define FORGET \
  dated = 0; FORGET_GATE; \
  if :: busy[0] == MARKED -> busy[0] = RUNNING :: else fi; \
  if :: busy[1] == MARKED -> busy[1] = RUNNING :: else fi

/*
 * SETTLED: from here on nobody can be on the way to accept a manifest for the sake of bytes that lie in quarantine.
 *   no cache    W after the rename: whoever saw the blob in place has written the revision link, or never will.
 *   redis       A DEL made W after the rename is the last word, since nobody is left who could store an older answer;
 *               but who believed the cache just before that DEL may write the link up to W after it. Hence a second W.
 *   in memory   The process started after the set-aside, and W after its last start, for one before it that drains.
 * It is asked before a mark starts. The mark that starts then sees every manifest that may need these bytes.
 */
#ifdef CACHE_NONE
#define GATE true
#endif
#ifdef CACHE_REDIS
#if defined(NO_DEL) || defined(WAIT_FROM_RENAME)
#define GATE true
#else
#define GATE cleared
#endif
#endif
#ifdef CACHE_INMEMORY
#if defined(NO_GATE) || defined(GATE_AFTER_MARK)
#define GATE true
#else
#define GATE restarted
#endif
#endif
#define SETTLED (dated && GATE && WAITED)

#ifdef GATE_AFTER_MARK
#define MAY_FREE (settled && restarted)
#else
#define MAY_FREE settled
#endif

/* ---- What is checked ------------------------------------------------------------------------------------------- */

/*
 * Stated at every step after which it could have become false: where a revision link is written, and where bytes leave
 * the quarantine. So it holds in every state, whether pushes are running or not.
 */
#define LOST ((rev[0] || rev[1]) && !data && !trash)
#define NEVER_LOST assert(!LOST)

/* At the end of a mark that puts nothing back. `needed` is a revision link that was there during all of the mark. */
bit needed[2]
#define OVERLOOKED ((needed[0] || needed[1]) && trash && !data)

/* The model's own meaning: each of these is reached, or the promise above is kept by doing nothing. */
#define PUSHED 1       /* a manifest was accepted */
#define PUSHED_ASIDE 2 /* a manifest was accepted while its blob lay in quarantine */
#define REFUSED 3      /* a manifest was refused, because its blob lay there */
#define SET_ASIDE 4
#define RESTORED 5     /* put back for a reference */
#define DROPPED 6      /* a newer blob was in place: the copy in quarantine went */
#define FREED 7
#define RESUMED 8      /* a run found what a dead one had begun */
#define PUSHED_AGAIN 9 /* a manifest was accepted after the blob had been freed */
#ifndef REACH
#define REACH 0
#endif
#define REACHED(what) assert(REACH != what)
#if REACH == PUSHED_AGAIN
bit freed
#define NOTE_FREED freed = 1
#define REACHED_AGAIN if :: freed -> REACHED(PUSHED_AGAIN) :: else fi
#else
#define NOTE_FREED skip
#define REACHED_AGAIN skip
#endif

/* ---- Clients and the registry: whatever requests, in whatever order --------------------------------------------- */

/*
 * A client is not modelled as a sequence. Each repository serves one request after the other, of any kind, without end:
 * HEAD then PUT, mount then PUT, upload then PUT, a PUT on the word of an old HEAD, a retry by upload after a 400, and
 * much that no client does. Every step is one access to disk or cache. A handler may die before any of its steps.
 */
#define me _pid /* the first two processes: 0 and 1 */
#define END busy[me] = IDLE; LEAVE; goto idle
#define DIES atomic { END }

active [2] proctype Repository() {
idle:
#ifdef CACHE_INMEMORY
  /* A step of its own: a handler may have begun before a restart, and look into the old cache after it. */
  atomic { busy[me] = RUNNING; cache[me] = CURRENT };
#endif
  atomic {
#ifndef CACHE_INMEMORY
    busy[me] = RUNNING;
#endif
    if
    :: END /* it dies, or answers without any effect, as a HEAD does that finds the blob in the cache, or nowhere */

#ifndef CACHE_NONE
    :: !HIT && data -> printf("repository %d: HEAD finds the blob on disk\n", me); goto headFill
#endif

#ifdef BLOB_IS_MANIFEST
    :: HIT -> LEAVE; printf("repository %d: PUT manifest finds its bytes in the cache, writes none\n", me); goto putLink
    :: !HIT && data -> printf("repository %d: PUT manifest finds its bytes on disk, writes none\n", me); goto putFill
    :: !HIT && !data -> printf("repository %d: PUT manifest finds no bytes\n", me); goto putData
#else
    :: HIT -> LEAVE; printf("repository %d: mount finds the blob in the cache\n", me); goto mountLink
    :: !HIT && data -> printf("repository %d: mount finds the blob on disk\n", me); goto mountFill
    /* The end of an upload asks the disk itself, whatever the cache says. */
    :: data -> printf("repository %d: upload finds the blob on disk, throws its bytes away\n", me); goto uploadLink
    :: !data -> printf("repository %d: upload finds no blob on disk\n", me); goto uploadMove
    :: HIT -> LEAVE; printf("repository %d: PUT manifest verifies the blob by the cache\n", me); goto putLink
    :: !HIT && data -> printf("repository %d: PUT manifest verifies the blob on disk\n", me); goto putFill
    :: !HIT && !data ->
         printf("repository %d: PUT manifest answers 400\n", me);
         if :: trash -> REACHED(REFUSED) :: else fi;
         END
#endif
    fi
  };

#ifndef CACHE_NONE
headFill:
  if
  :: atomic { FILL; printf("repository %d: HEAD stores its answer in the cache\n", me); END }
  :: DIES
  fi;
#endif

#ifdef BLOB_IS_MANIFEST
putData:
  if
  :: atomic { data = 1; printf("repository %d: PUT manifest writes its bytes\n", me) }
  :: DIES
  fi;
#else
mountFill:
#ifndef CACHE_NONE
  if
  :: atomic { FILL; printf("repository %d: mount stores its answer in the cache\n", me) }
  :: DIES
  fi;
#endif
mountLink:
  if
  :: atomic { young = 1; printf("repository %d: mount writes the layer link\n", me); END }
  :: DIES
  fi;

uploadMove:
  if
  :: atomic { data = 1; printf("repository %d: upload moves its bytes into place\n", me) }
  :: DIES
  fi;
uploadLink:
  if
  :: atomic {
       young = 1; printf("repository %d: upload writes the layer link\n", me);
#ifdef CACHE_NONE
       END
#endif
     }
  :: DIES
  fi;
#ifndef CACHE_NONE
  if
  :: atomic { FILL; printf("repository %d: upload stores its answer in the cache\n", me); END }
  :: DIES
  fi;
#endif
#endif

putFill:
#ifndef CACHE_NONE
  if
  :: atomic { FILL; printf("repository %d: PUT manifest stores its answer in the cache\n", me) }
  :: DIES
  fi;
#endif
putLink:
  if
  :: atomic {
       rev[me] = 1;
       printf("repository %d: PUT manifest writes the revision link: accepted\n", me);
       REACHED(PUSHED); REACHED_AGAIN;
       if :: trash && !data -> REACHED(PUSHED_ASIDE) :: else fi;
       NEVER_LOST;
       END
     }
  :: DIES
  fi
}

/* DELETE manifest removes the revision link, and nothing else that matters here. */
active proctype Deleter() {
  do
  :: atomic { rev[0] -> rev[0] = 0; needed[0] = 0; printf("repository 0: DELETE manifest\n") }
  :: atomic { rev[1] -> rev[1] = 0; needed[1] = 0; printf("repository 1: DELETE manifest\n") }
  od
}

#ifdef CACHE_INMEMORY
/*
 * A restart gives the process an empty cache. Its running handlers die (as any handler may), or the old process drains
 * them, with the cache it had. It is an event: whoever drains has ended W after it.
 */
#define DRAIN(r) if :: cache[r] == CURRENT -> cache[r] = (cached -> OLD_FILLED : OLD_EMPTY) :: else fi

active proctype Restarts() {
  do
  :: atomic {
       printf("registry: restarts\n");
       DRAIN(0); DRAIN(1);
       cached = 0;
       if
       :: dated ->
            restarted = 1
#ifndef NO_DRAIN
            ; EVENT
#endif
       :: else
       fi
     }
  od
}
#endif

/* ---- The collector --------------------------------------------------------------------------------------------- */

/*
 * One run after the other, without end. Its mark serves both ends: what lies in quarantine is put back, freed or left, and
 * what is in place may be set aside. So the mark of the next round is the re-mark of this one. It may come at any time,
 * but frees only if it STARTED settled; a real collector, which never marks early, does less.
 * It may die before every step, and then knows only the store and the journal. There is one collector (a lease).
 */
#define STEP(what) if :: atomic { what } :: atomic { printf("collector: dies\n"); goto start } fi
#define UNUSED (!referenced && !leased)

active proctype Collector() {
  bit candidate, referenced, leased, settled;

start:
  atomic {
    candidate = 0; referenced = 0; leased = 0; settled = 0; needed[0] = 0; needed[1] = 0;
    /* Nobody knows when a rename without a time in the journal was done: it gets the time of this look. */
    if
    :: trash && !dated ->
         dated = 1; EVENT; printf("collector: finds an interrupted set-aside, dates it now\n"); REACHED(RESUMED)
    :: else
    fi;
    if :: trash :: !trash -> goto mark fi
  };

#if defined(CACHE_REDIS) && !defined(NO_DEL)
  /* Before the mark, never after it. The first DEL that comes late enough starts the second wait. */
  STEP(
    cached = 0;
    if
    :: !cleared && WAITED ->
         printf("collector: DEL, W after the rename\n");
         cleared = 1;
#ifndef WAIT_FROM_RENAME
         EVENT
#endif
    :: else -> printf("collector: DEL\n")
    fi
  );
#endif

mark:
  /* Candidates are listed, the fence is set, and the question of time is answered, all before the mark. The fence is
     "now", which is grace 0s: any longer grace sets less aside. */
  STEP(
    candidate = data;
    settled = trash && SETTLED;
    needed[0] = rev[0]; needed[1] = rev[1];
    if :: !trash -> young = 0 :: else fi;
    if :: settled -> printf("collector: starts a settled mark\n") :: else -> printf("collector: starts a mark\n") fi
  );
  STEP(referenced = rev[0]; printf("collector: reads repository 0, %d references\n", referenced));
#ifdef PARTIAL_MARK
  if
  :: goto leases
  :: true
  fi;
#endif
  STEP(
    if
    :: !referenced -> referenced = rev[1]; printf("collector: reads repository 1, %d references\n", referenced)
    :: else
    fi
  );
leases:
  /* Links are read one by one, and one that is written behind the reader is missed. So it may go either way. */
  STEP(
    if
    :: young && !referenced -> leased = 1; printf("collector: sees a fresh layer link\n")
    :: true
    fi;
    assert(!(UNUSED && OVERLOOKED));
    needed[0] = 0; needed[1] = 0
  );

  if
  /* link(), then unlink(): a newer blob in place is never written over, and the copy is dropped. */
  :: atomic { trash && !UNUSED && !data -> data = 1; printf("collector: puts the blob back\n") };
     STEP(trash = 0; FORGET; if :: referenced -> REACHED(RESTORED) :: else fi; NEVER_LOST; goto start)
  :: atomic { trash && !UNUSED && data ->
       trash = 0; FORGET; printf("collector: drops the copy, a newer blob is in place\n"); REACHED(DROPPED); NEVER_LOST; goto start
     }
#ifndef NO_REMARK
  :: atomic { trash && UNUSED && MAY_FREE ->
       trash = 0; FORGET; printf("collector: frees the blob\n"); REACHED(FREED); NOTE_FREED; NEVER_LOST; goto start
     }
#endif
  :: atomic { candidate && UNUSED -> printf("collector: journals that it will set the blob aside\n") }
  :: goto start /* it dies, or there is nothing to do, or the quarantine time has not passed */
  fi;

#ifdef WAIT_FROM_JOURNAL
  atomic { FORGET; EVENT };
#endif
  /* Where an older copy lies there still, this one takes its place, and its record with it. */
  STEP(
    data = 0; trash = 1; young = 0; printf("collector: sets the blob aside\n"); REACHED(SET_ASIDE);
#ifdef WAIT_FROM_JOURNAL
    dated = 1
#else
    FORGET
#endif
  );
#if defined(CACHE_REDIS) && !defined(NO_DEL)
  STEP(cached = 0; printf("collector: DEL\n"));
#endif
#ifndef WAIT_FROM_JOURNAL
  STEP(dated = 1; EVENT; printf("collector: journals the time of the set-aside\n"));
#endif
#if defined(CACHE_REDIS) && !defined(NO_DEL)
  STEP(cached = 0; printf("collector: DEL again\n"));
#endif
#ifdef NO_REMARK
  STEP(SETTLED -> trash = 0; FORGET; printf("collector: frees the blob\n"); NEVER_LOST);
#endif
  goto start
}
