/* Persist, then acknowledge: the way of a lane's events through the journal, to the removal of the lane's file (collector/service/drain.cpp,
 * collector/journal/). Producer and collector may be killed before any step; the collector comes back KILLS times and has then nothing but
 * what lies on disk and in shared memory.
 *
 * One producer makes EVENTS attempts into a ring of 2. The collector copies what is published, writes it with cursor and account in one
 * frame (in two steps: a torn one, then all of it), counts it, acknowledges. A journal segment takes 2 frames; the next one begins with a
 * table of the whole state, and comes into sight with it. Retention may drop every segment but the newest; the file becomes a spare, whose
 * old frames are still in it when it is used again. A checkpoint may be made after any frame. When the producer is gone and the ring is
 * empty: final account into the journal, unlink, closing frame.
 *
 * What is asserted: no event is counted twice, and none is copied that has been overwritten; at the end every published event is counted,
 * the account is the producer's own to the attempt, with at most one in flight, and the lane was closed once.
 *
 * WRONG_... builds it with one thing done wrong: each must yield an error. */

#ifndef EVENTS
#define EVENTS 4
#endif
#ifndef KILLS
#define KILLS 2 /* of the collector */
#endif

#define RING 2
#define FRAMES 2 /* of a segment */
#define FILES 2
#define BIT(sequence) (1 << (sequence))

/* --- shared memory, and the lane's file */
byte slot[RING];
byte published, acknowledged, attempted, dropped; /* positions are numbers of published events */
bool alive = true, linked = true;

/* --- the disk */
#define NONE 0
#define BEING_MADE 1 /* under a temporary name */
#define SEGMENT 2
#define SPARE 3
#define UNKNOWN 0
#define OPEN 1
#define CLOSED 2

/* What the journal knows: the content of tables and checkpoints, and of the collector's memory. */
typedef Knowledge {
  byte lane;                       /* UNKNOWN, OPEN, CLOSED */
  byte cursor, attempted, dropped; /* of the lane, while it is OPEN; its last when it is CLOSED */
  short counted                    /* the statistics; bit: an event. Real ones are numbers: this sees what was counted twice */
};
typedef Frame {
  byte segment; /* whose it is: the random id */
  bool whole;   /* the checksum fits */
  short events;
  byte cursor, attempted, dropped;
  bool closes
};
typedef File {
  byte is, segment;
  Knowledge table;
  Frame frame[FRAMES]
};
File file[FILES];
byte checkpoint_segment, checkpoint_frames; /* segment 0: there is none */
Knowledge checkpoint;

/* --- what really happened, for the assertions */
short recorded; /* bit: an event */
bool killed;
byte closings;

#define COPY(to, from) to.lane = from.lane; to.cursor = from.cursor; to.attempted = from.attempted; to.dropped = from.dropped; to.counted = from.counted
#define FORGET(s) s.lane = UNKNOWN; s.cursor = 0; s.attempted = 0; s.dropped = 0; s.counted = 0

/* A step of the producer: taken, or never. */
#define STEP(step) if :: step :: atomic { true -> killed = true; goto ended } fi

active proctype producer() {
  byte i, loaded;
  do
  :: i < EVENTS ->
     STEP(atomic { attempted++; i++ });
     STEP(loaded = acknowledged);
     if
     :: published - loaded < RING ->
        STEP(slot[published % RING] = published + 1);
        STEP(atomic { published++; recorded = recorded | BIT(published) })
     :: else ->
        STEP(dropped++)
     fi
  :: else -> break
  od;
ended:
  atomic { i = 0; loaded = 0; alive = false }
}

/* A step of the collector. */
#define CSTEP(step) if :: step :: atomic { kills < KILLS -> kills++; goto restart } fi

/* Takes a whole frame into the state; what has been counted is not counted again. */
#define TAKE_IN(f) assert((now.counted & f.events) == 0); now.counted = now.counted | f.events; now.lane = (f.closes -> CLOSED : OPEN); \
  now.cursor = f.cursor; now.attempted = f.attempted; now.dropped = f.dropped

/* Writes the frame that has been built. */
inline commit() {
  CSTEP(atomic {
    file[at].frame[end].segment = file[at].segment;
    file[at].frame[end].whole = false;
    file[at].frame[end].events = 0; /* these had come last */
    file[at].frame[end].cursor = to.cursor;
    file[at].frame[end].attempted = to.attempted;
    file[at].frame[end].dropped = to.dropped;
    file[at].frame[end].closes = to.closes
  });
  CSTEP(atomic {
    file[at].frame[end].whole = true;
    file[at].frame[end].events = to.events;
    closings = closings + to.closes;
    TAKE_IN(to);
    end++
  });
  if
  :: end == FRAMES -> rotate()
  :: else
  fi
}

/* The next segment: out of sight until its table is in it. */
inline rotate() {
  atomic {
    fresh = FILES; i = 0;
    do
    :: i < FILES && file[i].is == SPARE -> fresh = i; break
    :: i < FILES && file[i].is == NONE -> fresh = i; i++
    :: i < FILES && file[i].is == SEGMENT -> i++
    :: i == FILES -> break
    od;
    i = 0
  }
  if
  :: fresh == FILES -> drop_oldest(); fresh = oldest; oldest = 0
  :: else
  fi;
#ifdef WRONG_SEGMENT_BEFORE_ITS_TABLE
  CSTEP(atomic { file[fresh].is = SEGMENT; file[fresh].segment = newest + 1; FORGET(file[fresh].table) });
#else
  CSTEP(atomic { file[fresh].is = BEING_MADE; file[fresh].segment = newest + 1; FORGET(file[fresh].table) });
#endif
  CSTEP(atomic {
    COPY(file[fresh].table, now);
#ifdef WRONG_CURSORS_IN_FRAMES_ALONE
    file[fresh].table.lane = UNKNOWN; file[fresh].table.cursor = 0; file[fresh].table.attempted = 0; file[fresh].table.dropped = 0;
#endif
    file[fresh].is = SEGMENT;
    at = fresh; newest++; end = 0; fresh = 0
  })
}

/* Retention: the oldest segment goes, and its file waits to be used again, as it is. */
inline drop_oldest() {
  CSTEP(atomic {
    oldest = FILES; low = newest; i = 0;
    do
    :: i < FILES ->
       if
       :: file[i].is == SEGMENT && file[i].segment < low -> oldest = i; low = file[i].segment
       :: else
       fi;
       i++
    :: else -> break
    od;
    low = 0;
    i = 0;
    if
    :: oldest < FILES -> file[oldest].is = SPARE
    :: else
    fi
  })
}

active proctype collector() {
  Knowledge now;
  Frame to; /* the frame being built */
  byte kills, at, end, newest, fresh, oldest, low, i, seen;
  bool seen_alive;

restart:
  /* Everything in memory is gone; what is half made on disk goes too. Recovery reads only. */
  atomic {
    FORGET(now);
    to.events = 0; to.cursor = 0; to.attempted = 0; to.dropped = 0; to.closes = 0;
    at = 0; end = 0; newest = 0; fresh = 0; oldest = 0; seen = 0; seen_alive = 0; i = 0;
    do
    :: i < FILES ->
       if
       :: file[i].is == BEING_MADE -> file[i].is = NONE
       :: file[i].is == SEGMENT && file[i].segment > newest -> newest = file[i].segment; at = i
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0;
    if
    :: newest == 0 -> goto first_start
    :: else
    fi;
    if
    :: checkpoint_segment == newest -> COPY(now, checkpoint); end = checkpoint_frames
    :: else -> COPY(now, file[at].table)
    fi;
    do
    :: end < FRAMES &&
#ifndef WRONG_RECYCLED_WITHOUT_ID
       file[at].frame[end].segment == newest &&
#else
       file[at].frame[end].segment != 0 &&
#endif
#ifndef WRONG_NO_CHECKSUM
       file[at].frame[end].whole ->
#else
       true ->
#endif
       TAKE_IN(file[at].frame[end]); end++
    :: else -> break
    od;
#ifdef WRONG_RECOVER_FROM_SHARED
    if
    :: now.lane == OPEN -> now.cursor = acknowledged
    :: else
    fi;
#endif
    goto recovered
  }
first_start:
  CSTEP(atomic { file[0].is = SEGMENT; file[0].segment = 1; newest = 1 });
recovered:
  if
  :: end == FRAMES -> rotate() /* killed before it could */
  :: else
  fi;
  if
  :: now.lane == OPEN && !linked -> goto close_lane /* killed behind the unlink: the account in the journal is the last */
  :: now.lane == CLOSED && !linked -> goto finish
#ifdef WRONG_CLOSE_BEFORE_UNLINK
  :: now.lane == CLOSED && linked -> now.lane = UNKNOWN; now.cursor = 0 /* in no table any more: a file met for the first time */
#endif
#ifdef WRONG_CURSORS_IN_FRAMES_ALONE
  :: now.lane == UNKNOWN && !linked -> goto finish
#endif
  :: now.lane != CLOSED && linked
  fi;
  /* Acknowledged ahead of the journal: in truth a state restored from a backup, and counted; there is none here. */
  assert(acknowledged <= now.cursor);

pass:
  CSTEP(seen_alive = alive); /* known before the position is read: what is found then is the last */
  CSTEP(seen = published);
  if
  :: seen == now.cursor && seen_alive -> atomic { seen = 0; seen_alive = 0; published != now.cursor || !alive -> goto pass }
  :: seen == now.cursor && !seen_alive -> goto retire
  :: seen > now.cursor
  fi;
  CSTEP(atomic { /* copy */
    to.events = 0; i = now.cursor;
    do
    :: i < seen -> assert(slot[i % RING] == i + 1); i++; to.events = to.events | BIT(i)
    :: else -> break
    od;
    to.cursor = seen; to.attempted = attempted; to.dropped = dropped; to.closes = false;
    i = 0; seen = 0; seen_alive = 0
  });
#ifdef WRONG_ACKNOWLEDGE_BEFORE_JOURNAL
  CSTEP(acknowledged = to.cursor);
#endif
#ifdef WRONG_CHECKPOINT_AHEAD
  if
  :: true
  :: CSTEP(atomic {
       checkpoint_segment = newest; checkpoint_frames = end; COPY(checkpoint, now);
       checkpoint.counted = now.counted | to.events; checkpoint.cursor = to.cursor; checkpoint.lane = OPEN
     })
  fi;
#endif
  commit();
#ifndef WRONG_ACKNOWLEDGE_BEFORE_JOURNAL
  CSTEP(acknowledged = now.cursor);
#endif
  if
  :: true
  :: CSTEP(atomic { checkpoint_segment = newest; checkpoint_frames = end; COPY(checkpoint, now) })
  :: drop_oldest(); oldest = 0
  fi;
  goto pass;

retire:
#ifdef WRONG_UNLINK_BEFORE_ACCOUNT
  CSTEP(linked = false);
#endif
  if
  :: now.attempted != attempted || now.dropped != dropped || now.lane == UNKNOWN ->
     atomic { to.events = 0; to.cursor = now.cursor; to.attempted = attempted; to.dropped = dropped; to.closes = false };
     commit()
  :: else
  fi;
#ifdef WRONG_CLOSE_BEFORE_UNLINK
  atomic { to.events = 0; to.cursor = now.cursor; to.attempted = now.attempted; to.dropped = now.dropped; to.closes = true };
  commit();
  CSTEP(linked = false);
  goto finish;
#endif
  CSTEP(linked = false);
close_lane:
  atomic { to.events = 0; to.cursor = now.cursor; to.attempted = now.attempted; to.dropped = now.dropped; to.closes = true };
  commit();
finish:
  atomic {
    assert(now.lane == CLOSED && !linked && closings == 1);
    assert(now.counted == recorded);
    assert(now.attempted == attempted && now.dropped == dropped);
    assert(attempted - dropped - published <= (killed -> 1 : 0))
  }
}
