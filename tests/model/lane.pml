/* One lane: the algorithm of shm/lane_writer.cpp and shm/lane_reader.cpp, with laps, skip records, growth and jumps, small enough to be
 * searched to the end. The producer may be killed before any step; it never comes back (its lane is drained). The collector may be killed
 * before any step and starts again with what is in its journal. Memory is sequentially consistent here: the orders are lane_orders_test's.
 *
 * A lane has 4 records of memory at first and 8 at most. Events are 1 or 2 records. A record is written in two steps, garbage between
 * them. The collector's copy is one step: if it could see a record that was overwritten in the middle of it, it could see it so from the
 * beginning too.
 *
 * What is asserted: no event is torn; none is delivered that was not published, or twice, or before an earlier one; at the end all that was
 * published is delivered; attempted = delivered + dropped + at most one in flight; nobody touches memory that is not backed; no copied
 * record is just being written.
 *
 * WRONG_... builds it with one thing done wrong: each must yield an error. */

#ifndef EVENTS
#define EVENTS 5
#endif
#ifndef KILLS
#define KILLS 1 /* of the collector */
#endif

#define MIN 4
#define CAP 8
#define ROOM 4 /* records that one copy takes: an event of the largest size fits */
#define POS(lap, offset) ((lap) * 16 + (offset))
#define LAP(p) ((p) / 16)
#define OFF(p) ((p) % 16)
#define NOWHERE 255

/* records */
#define UNBACKED 0
#define BLANK 1
#define GARBAGE 2
#define ONE 3  /* an event of one record; value: its sequence */
#define TWO 4  /* the first of two */
#define REST 5 /* the second */
#define SKIP 6 /* value: the position that follows */

/* shared memory */
byte kind[CAP], value[CAP];
byte write, acknowledged;
byte attempted, dropped;
bool alive = true; /* the lock that the producer's mapping holds */

/* the collector's journal: cursor and events in one frame, written at once (persist.pml looks closer) */
byte journal_cursor, journal_sequence, journal_delivered;

/* what really happened, for the assertions */
short published, delivered; /* bit: sequence */
bool killed;

#define BIT(sequence) (1 << (sequence))

/* A step of the producer: taken, or never. */
#define STEP(step) if :: step :: atomic { true -> killed = true; goto ended } fi

/* What is not needed any more: values of no meaning would only be states of no meaning. */
#define FORGET loaded = 0; offset = 0; read_to = 0; hard = 0; target = 0; old_edge = 0; unread = 0; same_lap = 0; in_front = 0; may_wrap = 0

inline put(at, k, v) {
  STEP(atomic { assert(kind[at] != UNBACKED) -> kind[at] = GARBAGE; value[at] = 0 });
  STEP(atomic { kind[at] = k; value[at] = v })
}

active proctype producer() {
  byte position, limit, taken, backed = MIN, sequence, records, offset, read_to, hard, target, old_edge;
  byte full_at = NOWHERE, full_records, loaded;
  bool same_lap, in_front, may_wrap, resumed;
  byte unread;

  atomic { kind[0] = BLANK; kind[1] = BLANK; kind[2] = BLANK; kind[3] = BLANK }
next:
  if
  :: sequence == EVENTS -> goto ended
  :: else
  fi;
  if
  :: true
  :: atomic { !resumed -> /* the thread exits, and another takes the lane up where it stands */
       resumed = true; limit = position; full_at = NOWHERE;
       taken = (LAP(position) == 0 -> 0 : POS(LAP(position) - 1, 0)) }
  fi;
#ifndef WRONG_ATTEMPT_AFTER
  STEP(atomic { attempted++; sequence++ });
#else
  sequence++;
#endif
  if :: records = 1 :: records = 2 fi;

  /* reserve */
  if
  :: position + records <= limit -> goto room
  :: else
  fi;
  STEP(loaded = acknowledged);
  atomic {
    if
    :: loaded == full_at && records >= full_records -> loaded = 0; goto no_room
    :: else
    fi;
    if
    :: loaded > taken && loaded <= position && OFF(loaded) <= backed -> taken = loaded
    :: else
    fi;
    offset = OFF(position); read_to = OFF(taken);
    same_lap = LAP(taken) == LAP(position);
    in_front = !same_lap && read_to > offset;
#ifdef WRONG_NO_PLACE_FOR_SKIP
    hard = (in_front -> (read_to < backed -> read_to : backed) : backed);
#else
#ifdef WRONG_INTO_UNREAD
    hard = (in_front -> (read_to < backed -> read_to : backed) + 1 : backed - 1);
#else
    hard = (in_front -> (read_to < backed -> read_to : backed) : backed) - 1;
#endif
#endif
    if
    :: offset + records <= hard -> goto admit
    :: else
    fi;
    unread = (same_lap -> offset - read_to : backed - (backed < read_to -> backed : read_to) + offset);
    may_wrap = same_lap && read_to > records;
    old_edge = backed;
    if
    :: in_front && backed < CAP -> goto grow
    :: in_front && backed == CAP -> goto is_full
    :: !in_front && !(may_wrap && unread < backed / 2) && backed < CAP -> goto grow
    :: else
    fi
  }
at_edge:
  if
  :: !may_wrap -> goto is_full
  :: else
  fi;
#ifdef WRONG_SKIP_TARGET
  target = POS(LAP(position) + 1, 1);
#else
  target = POS(LAP(position) + 1, 0);
#endif
  hard = read_to - 1;
  goto skip_to;

grow:
  if
  :: atomic { true -> killed = true; goto ended }
  :: atomic { true -> /* the memory is there */
       do
       :: backed < 2 * old_edge -> kind[backed] = BLANK; backed++
       :: else -> break
       od };
     if
     :: in_front ->
#ifdef WRONG_JUMP_SHORT
        target = POS(LAP(position), old_edge - 1);
#else
        target = POS(LAP(position), old_edge);
#endif
        hard = backed - 1; goto skip_to
     :: else -> hard = backed - 1; goto admit
     fi
  :: in_front -> goto is_full /* the file system is full */
  :: !in_front -> goto at_edge
  fi;

skip_to:
  put(OFF(position), SKIP, target);
  atomic {
    position = target;
#ifdef WRONG_SKIP_PUBLISHED_ALONE
    write = position;
#endif
  }
admit:
  atomic {
    full_at = NOWHERE; full_records = 0;
    limit = POS(LAP(position),
                (OFF(position) + records < backed / 2 && backed / 2 <= hard -> backed / 2 - 1 : hard));
    FORGET
  }
room:
#ifdef WRONG_PUBLISH_BEFORE_FILL
  STEP(atomic { write = position + records; published = published | BIT(sequence) });
#endif
#ifdef WRONG_PUBLISH_BY_RECORD
  put(OFF(position), (records == 1 -> ONE : TWO), sequence);
  STEP(atomic { write = position + 1; published = published | BIT(sequence) });
#else
  put(OFF(position), (records == 1 -> ONE : TWO), sequence);
#endif
  if
  :: records == 2 -> put(OFF(position) + 1, REST, sequence)
  :: else
  fi;
#ifndef WRONG_PUBLISH_BEFORE_FILL
  STEP(atomic { write = position + records; published = published | BIT(sequence) });
#endif
#ifdef WRONG_ATTEMPT_AFTER
  STEP(attempted++);
#endif
  atomic { position = position + records; records = 0; goto next };

is_full:
  atomic { full_at = loaded; full_records = records; FORGET };
no_room:
#ifdef WRONG_ATTEMPT_AFTER
  STEP(attempted++);
#endif
  STEP(dropped++);
  atomic { records = 0; goto next };
ended:
  atomic { position = 0; limit = 0; taken = 0; backed = 0; sequence = 0; records = 0; full_at = 0; full_records = 0; resumed = 0; FORGET; alive = false }
}

/* A step of the collector. */
#define CSTEP(step) if :: step :: atomic { kills < KILLS -> kills++; goto restart } fi

active proctype collector() {
  byte cursor, sequence, kills, at, until, end, copied, seen_write, seen_alive, next, filled, last, batch;
  short got;
  byte k[ROOM], v[ROOM]; /* the buffer */

restart:
  atomic {
    at = 0; until = 0; end = 0; copied = 0; seen_write = 0; seen_alive = 0; next = 0; filled = 0; last = 0; batch = 0; got = 0;
    k[0] = 0; k[1] = 0; k[2] = 0; k[3] = 0; v[0] = 0; v[1] = 0; v[2] = 0; v[3] = 0;
#ifdef WRONG_RECOVER_FROM_SHARED
    cursor = acknowledged;
#else
    cursor = journal_cursor;
#endif
    sequence = journal_sequence
  }
pass:
#ifndef WRONG_LIVENESS_ASKED_LATE
  CSTEP(seen_alive = alive); /* known before the position is read: what is found then is the last */
#endif
  CSTEP(seen_write = write);
#ifdef WRONG_LIVENESS_ASKED_LATE
  CSTEP(seen_alive = alive);
#endif
  if
  :: seen_write == cursor && seen_alive -> atomic { write != cursor || !alive -> goto pass } /* the same, without turning in circles */
  :: seen_write == cursor && !seen_alive -> goto drained
  :: else
  fi;
  /* LaneReader::copy. Its loop ends when the buffer is full, at what is published, or behind a skip record: the next pass goes on. */
  CSTEP(atomic {
    assert(seen_write >= cursor && LAP(seen_write) - LAP(cursor) <= 1);
    at = cursor; got = 0; batch = 0; last = sequence;
    end = (LAP(at) == LAP(seen_write) -> OFF(seen_write) : CAP);
    assert(OFF(at) < end);
#ifdef WRONG_COPY_BEYOND_DOUBLING
    until = end;
#else
    until = (OFF(at) < MIN -> MIN : CAP);
    until = (end < until -> end : until);
#endif
    filled = 0;
    do
    :: filled < ROOM && OFF(at) + filled < until ->
       k[filled] = kind[OFF(at) + filled]; v[filled] = value[OFF(at) + filled];
       assert(k[filled] != UNBACKED);
       assert(k[filled] != GARBAGE);
       filled++
    :: else -> break
    od;
    copied = 0; next = at;
    do
    :: copied == filled -> break
    :: copied < filled && k[copied] == SKIP ->
       assert(v[copied] > next && v[copied] < seen_write);
       assert((LAP(v[copied]) == LAP(next) && OFF(v[copied]) == MIN) || (LAP(v[copied]) == LAP(next) + 1 && OFF(v[copied]) == 0));
       next = v[copied];
       break
    :: copied < filled && (k[copied] == ONE || k[copied] == TWO) ->
       assert(OFF(next) + k[copied] - ONE + 1 <= end);
       if
       :: k[copied] == TWO && copied + 1 == filled -> break /* the rest is not copied yet */
       :: else
       fi;
       assert(v[copied] > last); /* in order, and so not twice */
       last = v[copied];
       if
       :: k[copied] == TWO -> assert(k[copied + 1] == REST && v[copied + 1] == last)
       :: else
       fi;
       got = got | BIT(last); batch++;
       next = next + k[copied] - ONE + 1;
       copied = copied + k[copied] - ONE + 1
    :: copied < filled && k[copied] != SKIP && k[copied] != ONE && k[copied] != TWO -> assert(false) /* no event begins so */
    od;
    at = 0; until = 0; end = 0; copied = 0; filled = 0; k[0] = 0; k[1] = 0; k[2] = 0; k[3] = 0; v[0] = 0; v[1] = 0; v[2] = 0; v[3] = 0; seen_write = 0
  });
#ifdef WRONG_ACKNOWLEDGE_BEFORE_JOURNAL
  CSTEP(atomic { acknowledged = next; next = 0 });
#endif
  CSTEP(atomic {
    assert((delivered & got) == 0);
    delivered = delivered | got;
    cursor = next; sequence = last;
    journal_cursor = cursor; journal_sequence = sequence; journal_delivered = journal_delivered + batch;
    got = 0; batch = 0; last = 0
  });
#ifndef WRONG_ACKNOWLEDGE_BEFORE_JOURNAL
  CSTEP(atomic { acknowledged = next; next = 0 });
#endif
  goto pass;

drained:
  atomic {
    assert(delivered == published);
    assert(attempted >= journal_delivered + dropped);
    assert(attempted - journal_delivered - dropped <= (killed -> 1 : 0))
  }
}
