/*
 * agreement: the voting rules of docs/consensus.md for n = 4 validators, three views and two
 * heights. What is modelled, what is left out and why that is sound: README.md.
 *
 *   FAULTY      how many validators are Byzantine (1 or 2): they have cast every vote there is
 *   NO_GUARD_x  leaves one guard of cast, on_proposal or try_finalize out
 *   LOSES       validator 0 is killed and loses its storage, again and again:
 *               1 with its vote register kept, 2 without one (once),
 *               3 with a register that is written after the vote was sent (once)
 *   VIEWS       how many views there are (2 or 3)
 *   EQUIVOCATE  0: no leader makes two blocks, nor proposes the root again
 *   CHECK       what is looked for: 0 everything, 1 two final blocks at one height, 2 a final
 *               block on a parent that is not final
 *   NAMES       keeps apart what differs by name only, for runs that people read
 */
#ifndef FAULTY
#define FAULTY 1
#endif
#ifndef LOSES
#define LOSES 0
#endif
#ifndef VIEWS
#define VIEWS 3
#endif
#ifndef EQUIVOCATE
#define EQUIVOCATE 1
#endif
#ifndef CHECK
#define CHECK 0
#endif
#define QUORUM 3
#define HONEST (4 - FAULTY)
#define NEEDED (QUORUM - FAULTY) /* honest votes of a certificate, at least */

/* Whether a validator can sign two votes of one kind in one view: then both stay sent. */
#if LOSES > 0 || defined(NO_GUARD_ONE_NOTARIZE)
#define TWICE 1
#else
#define TWICE 0
#endif
#define SLOTS (HONEST * (1 + TWICE))

/* The votes sent. What validator i cast in view v stands at AT(i, v), a second one at
   AT(i + HONEST, v). NOTARIZE and FINALIZE name a candidate, 0 is none. Nothing is taken back. */
#define AT(i, v) ((i) * 3 + (v) - 1)
byte notarize[SLOTS * 3];
byte finalize[SLOTS * 3];
bit nullify[HONEST * 3];
byte c;         /* of the vote being cast; zero between steps */
int final = 1; /* derived: the blocks that have a finalization, one bit each; the root is final */

/* A candidate is (parent view, block). A block is the view it was first proposed in, its parent
   block, and which of two its leader made of them: 1..6 stand at height 1, 7..22 at height 2, 0 is
   the root. */
#define CANDIDATE(p, b) (1 + (p) * 32 + (b))
#define BLOCK(c) (((c) - 1) & 31)
#define PARENT_VIEW(c) (((c) - 1) >> 5)
#define HEIGHT(b) ((b) == 0 -> 0 : ((b) < 7 -> 1 : 2))
#define PARENT(b) ((b) < 7 -> 0 : ((b) - 7) / 4 + 1)
#define CHILD(b, v, which)                                                                         \
    ((b) == 0 -> 2 * (v) - 1 + (which) : 7 + ((b) - 1) * 4 + ((v) - 2) * 2 + (which))
#define ALL_OF_HEIGHT_1 126
#define ALL_OF_HEIGHT_2 8388480

/* Certificates: enough honest votes were sent, and the Byzantine ones are there for free. */
#if TWICE
#define VOTED(kind, i, v, c) (kind[AT(i, v)] == (c) || kind[AT((i) + HONEST, v)] == (c))
#else
#define VOTED(kind, i, v, c) (kind[AT(i, v)] == (c))
#endif
#if FAULTY == 1
#define ENOUGH(a, b, c) ((a) + (b) + (c) >= NEEDED)
#define VOTES(kind, v, c) (VOTED(kind, 0, v, c) + VOTED(kind, 1, v, c) + VOTED(kind, 2, v, c))
#define NULLIFIED(v) (nullify[AT(0, v)] + nullify[AT(1, v)] + nullify[AT(2, v)] >= NEEDED)
#else
#define VOTES(kind, v, c) (VOTED(kind, 0, v, c) + VOTED(kind, 1, v, c))
#define NULLIFIED(v) (nullify[AT(0, v)] + nullify[AT(1, v)] >= NEEDED)
#endif
#define NOTARIZED(v, c) (VOTES(notarize, v, c) >= NEEDED)
#define FINALIZED(v, c) (VOTES(finalize, v, c) >= NEEDED)
#define IS_FINAL(b) ((final >> (b)) & 1)

/* What a validator remembers of its own votes. Validator 0 may have forgotten all that its register
   does not hold; then it signs nothing below the view that the register stood at. */
#define NOTARIZE 1
#define FINALIZE 2
#define NULLIFY 4
#if LOSES > 0
byte forgotten[4];   /* by view: kinds that validator 0 has cast and no longer knows of */
byte floor;          /* the register's view when it started */
byte register_view;  /* highest view signed in */
byte register_kinds; /* cast in that view */
byte late_view;      /* LOSES 3: a vote sent that the register does not hold yet */
byte late_kind;
bit killed;
#define KNOWS(i, v, kind, sent) ((sent) && !((i) == 0 && (forgotten[v] & (kind)) != 0))
#define MAY_SIGN(i, v) ((i) != 0 || ((v) >= floor && late_view == 0))
#else
#define KNOWS(i, v, kind, sent) (sent)
#define MAY_SIGN(i, v) 1
#endif
#if TWICE
#define SENT_TWICE(votes, i, v) (votes[AT((i) + HONEST, v)] != 0)
#else
#define SENT_TWICE(votes, i, v) 0
#endif
#define HAS_NULLIFIED(i, v) KNOWS(i, v, NULLIFY, nullify[AT(i, v)] == 1)
#define HAS_NOTARIZED(i, v)                                                                        \
    (KNOWS(i, v, NOTARIZE, notarize[AT(i, v)] != 0) || SENT_TWICE(notarize, i, v))
#define HAS_FINALIZED(i, v)                                                                        \
    (KNOWS(i, v, FINALIZE, finalize[AT(i, v)] != 0) || SENT_TWICE(finalize, i, v))

/* The guards, one a rule; each can be left out. */
#ifdef NO_GUARD_ONE_NOTARIZE
#define NOT_NOTARIZED(i, v) (!SENT_TWICE(notarize, i, v))
#else
#define NOT_NOTARIZED(i, v) (!HAS_NOTARIZED(i, v))
#endif
#ifdef NO_GUARD_NOTARIZE_AFTER_NULLIFY
#define MAY_STILL_NOTARIZE(i, v) 1
#else
#define MAY_STILL_NOTARIZE(i, v) (!HAS_NULLIFIED(i, v))
#endif
#ifdef NO_GUARD_FINALIZE_AFTER_NULLIFY
#define MAY_STILL_FINALIZE(i, v) 1
#else
#define MAY_STILL_FINALIZE(i, v) (!HAS_NULLIFIED(i, v))
#endif
#ifdef NO_GUARD_NULLIFY_AFTER_FINALIZE
#define MAY_STILL_NULLIFY(i, v) 1
#else
#define MAY_STILL_NULLIFY(i, v) (!HAS_FINALIZED(i, v))
#endif
#ifdef NO_GUARD_FINALIZE_NOTARIZED
#define MAY_BE_FINALIZED(v, c) 1
#else
#define MAY_BE_FINALIZED(v, c) NOTARIZED(v, c)
#endif
#ifdef NO_GUARD_GAP_NULLIFIED
#define GAP_NULLIFIED(p, v) 1
#else
#define GAP_NULLIFIED(p, v)                                                                        \
    (((p) >= 1 || (v) <= 1 || NULLIFIED(1)) && ((p) >= 2 || (v) <= 2 || NULLIFIED(2)))
#endif
#ifdef NO_GUARD_PARENT_CERTIFIED
#define PARENT_CERTIFIED(p, c) 1
#else
#define PARENT_CERTIFIED(p, c) NOTARIZED(p, c)
#endif
#ifdef NO_GUARD_PARENT_FINAL
#define PARENT_FINAL(b) 1
#else
#define PARENT_FINAL(b) IS_FINAL(b)
#endif

/* The second block of a leader is called so only after its first was voted for: names mean
   nothing, so no run is lost. */
#define NAMED(s, v, b) (notarize[AT(s, v)] != 0 && BLOCK(notarize[AT(s, v)]) == (b))
#if FAULTY == 1
#define SOMEBODY_NAMED(v, b) (NAMED(0, v, b) || NAMED(1, v, b) || NAMED(2, v, b))
#else
#define SOMEBODY_NAMED(v, b) (NAMED(0, v, b) || NAMED(1, v, b))
#endif

/* What must hold. */
#define ONE_BIT_AT_MOST(set) (((set) & ((set) - 1)) == 0)
#define NO_FORK (ONE_BIT_AT_MOST(final & ALL_OF_HEIGHT_1) && ONE_BIT_AT_MOST(final & ALL_OF_HEIGHT_2))
#define FINALIZED_SEEN(s, v) (finalize[AT(s, v)] != 0 && FINALIZED(v, finalize[AT(s, v)]))
#define RIVAL_SEEN(s, v, c)                                                                        \
    (notarize[AT(s, v)] != 0 && notarize[AT(s, v)] != (c) && NOTARIZED(v, notarize[AT(s, v)]))
#if FAULTY == 1
#define VIEW_IS_FINAL(v) (FINALIZED_SEEN(0, v) || FINALIZED_SEEN(1, v) || FINALIZED_SEEN(2, v))
#define RIVAL(v, c) (RIVAL_SEEN(0, v, c) || RIVAL_SEEN(1, v, c) || RIVAL_SEEN(2, v, c))
#else
#define VIEW_IS_FINAL(v) (FINALIZED_SEEN(0, v) || FINALIZED_SEEN(1, v))
#define RIVAL(v, c) (RIVAL_SEEN(0, v, c) || RIVAL_SEEN(1, v, c))
#endif

inline check_notarized(v)
{
#if CHECK == 0
    assert(!(NOTARIZED(v, c) && RIVAL(v, c))); /* one candidate of a view is notarized */
#endif
    skip
}

inline check_nullified(v)
{
#if CHECK == 0
    assert(!(NULLIFIED(v) && VIEW_IS_FINAL(v))); /* never both in one view */
#endif
    skip
}

inline check_finalized(v)
{
    if
    :: FINALIZED(v, c) ->
        final = final | (1 << BLOCK(c));
#if CHECK == 0
        assert(NOTARIZED(v, c)); /* final implies notarized in the same view */
        assert(!NULLIFIED(v));
#endif
#if CHECK == 0 || CHECK == 1
        assert(NO_FORK); /* one final block at a height */
#endif
#if CHECK == 0 || CHECK == 2
        assert(IS_FINAL(PARENT(BLOCK(c)))); /* the final chain links */
#endif
    :: else
    fi
}

/* For people who read a trail: a block is named by the view it was first proposed in. */
#define BORN(b) ((b) < 7 -> ((b) + 1) / 2 : ((b) - 7) % 4 / 2 + 2)
#define LETTER(b) (97 + ((b) + 1) % 2)
inline say(i, v, kind)
{
    if
    :: kind == NOTARIZE -> printf("view %d: validator %d casts NOTARIZE for ", v, i)
    :: else -> printf("view %d: validator %d casts FINALIZE for ", v, i)
    fi;
    if
    :: BLOCK(c) == 0 -> printf("the root")
    :: HEIGHT(BLOCK(c)) == 1 ->
        printf("block %d%c (height 1, on the root)", BORN(BLOCK(c)), LETTER(BLOCK(c)))
    :: HEIGHT(BLOCK(c)) == 2 ->
        printf("block %d%c (height 2, on block %d%c)", BORN(BLOCK(c)), LETTER(BLOCK(c)),
               BORN(PARENT(BLOCK(c))), LETTER(PARENT(BLOCK(c))))
    fi;
    printf(", parent view %d\n", PARENT_VIEW(c))
}

/* Validators that follow the rules differ by name only: their states are kept in order. */
#define KEY(i)                                                                                     \
    (notarize[AT(i, 1)] + (notarize[AT(i, 2)] << 7) + (notarize[AT(i, 3)] << 14) +                 \
     (nullify[AT(i, 1)] << 21) + (nullify[AT(i, 2)] << 22) + (nullify[AT(i, 3)] << 23))
#define KEY_FINAL(i)                                                                               \
    (finalize[AT(i, 1)] + (finalize[AT(i, 2)] << 7) + (finalize[AT(i, 3)] << 14))
#define BEHIND(i, j) (KEY(i) < KEY(j) || (KEY(i) == KEY(j) && KEY_FINAL(i) < KEY_FINAL(j)))

inline swap(one, other)
{
    c = one;
    one = other;
    other = c
}

inline order(i, j)
{
    if
    :: BEHIND(i, j) ->
        swap(notarize[AT(i, 1)], notarize[AT(j, 1)]);
        swap(notarize[AT(i, 2)], notarize[AT(j, 2)]);
        swap(notarize[AT(i, 3)], notarize[AT(j, 3)]);
        swap(finalize[AT(i, 1)], finalize[AT(j, 1)]);
        swap(finalize[AT(i, 2)], finalize[AT(j, 2)]);
        swap(finalize[AT(i, 3)], finalize[AT(j, 3)]);
        swap(nullify[AT(i, 1)], nullify[AT(j, 1)]);
        swap(nullify[AT(i, 2)], nullify[AT(j, 2)]);
        swap(nullify[AT(i, 3)], nullify[AT(j, 3)])
    :: else
    fi
}

inline rename()
{
#if !defined(NAMES) && !TWICE
    order(0, 1);
#if FAULTY == 1
    order(1, 2);
    order(0, 1);
#endif
#endif
#if !defined(NAMES) && TWICE && LOSES > 0
    order(1, 2);
#endif
    c = 0
}

/* One vote more. With a register, what was signed stands in it before the vote is sent. */
#if LOSES > 0
inline write_register(i, v, kind)
{
    if
    :: i == 0 && v > register_view ->
        register_view = v;
        register_kinds = kind
    :: i == 0 && v == register_view ->
        register_kinds = register_kinds | kind
    :: else
    fi
}
#endif

inline send(first, second, i, v, kind)
{
#if TWICE
    if
    :: first == 0 || first == c ->
        first = c;
#if LOSES > 0
        if
        :: i == 0 ->
            forgotten[v] = forgotten[v] & (7 - kind)
        :: else
        fi
#endif
    :: else ->
#if LOSES == 1
        assert(false); /* an honest key signs once a kind and view */
#endif
        second = c
    fi;
#else
    first = c;
#endif
#if LOSES == 1
    write_register(i, v, kind);
#elif LOSES == 3
    if
    :: i == 0 ->
        late_view = v;
        late_kind = kind
    :: else
    fi;
#endif
    skip
}

inline send_finalize(i, v)
{
    say(i, v, FINALIZE);
    send(finalize[AT(i, v)], finalize[AT(i + HONEST, v)], i, v, FINALIZE)
}

inline send_nullify(i, v)
{
    nullify[AT(i, v)] = 1;
#if LOSES > 0
    if
    :: i == 0 ->
        forgotten[v] = forgotten[v] & (7 - NULLIFY);
#if LOSES == 1
        write_register(i, v, NULLIFY);
#elif LOSES == 3
        late_view = v;
        late_kind = NULLIFY;
#endif
    :: else
    fi;
#endif
    skip
}

#if LOSES > 0
inline forget(v)
{
    forgotten[v] = (notarize[AT(0, v)] != 0 -> NOTARIZE : 0) +
                   (finalize[AT(0, v)] != 0 -> FINALIZE : 0) + (nullify[AT(0, v)] -> NULLIFY : 0);
    if
    :: v == register_view -> forgotten[v] = forgotten[v] & (7 - register_kinds)
    :: else
    fi
}
#endif

/* The steps. Which vote is looked at is chosen by who sent it (slot s) or, for what the leader may
   propose, by its parent and which of two new blocks it is. */
#define CAST_NULLIFY(i, v)                                                                         \
    ::d_step                                                                                       \
    {                                                                                              \
        MAY_SIGN(i, v) && !HAS_NULLIFIED(i, v) && MAY_STILL_NULLIFY(i, v) && !NULLIFIED(v) ->      \
        c = 1;                                                                                     \
        printf("view %d: validator %d casts NULLIFY\n", v, i);                                      \
        send_nullify(i, v);                                                                        \
        check_nullified(v);                                                                        \
        rename()                                                                                   \
    }
#define MAY_FINALIZE(i, v) (MAY_SIGN(i, v) && !HAS_FINALIZED(i, v) && MAY_STILL_FINALIZE(i, v))
#define CAST_FINALIZE(i, j, v, s)                                                                  \
    ::d_step                                                                                       \
    {                                                                                              \
        notarize[AT(s, v)] != 0 && MAY_FINALIZE(i, v) && MAY_FINALIZE(j, v) &&                     \
            MAY_BE_FINALIZED(v, notarize[AT(s, v)]) && !FINALIZED(v, notarize[AT(s, v)]) ->        \
        c = notarize[AT(s, v)];                                                                    \
        send_finalize(i, v);                                                                       \
        if                                                                                         \
        :: i != j -> send_finalize(j, v)                                                           \
        :: else                                                                                    \
        fi;                                                                                        \
        check_finalized(v);                                                                        \
        rename()                                                                                   \
    }
#define NOTARIZE_IF(i, v, guard, candidate)                                                        \
    ::d_step                                                                                       \
    {                                                                                              \
        MAY_SIGN(i, v) && NOT_NOTARIZED(i, v) && MAY_STILL_NOTARIZE(i, v) && guard &&              \
            !NOTARIZED(v, candidate) ->                                                            \
        c = candidate;                                                                             \
        say(i, v, NOTARIZE);                                                                       \
        send(notarize[AT(i, v)], notarize[AT((i) + HONEST, v)], i, v, NOTARIZE); \
        check_notarized(v);                                                                        \
        rename()                                                                                   \
    }
#define EXTENDS(p, v, b, which)                                                                    \
    (HEIGHT(b) < 2 && PARENT_FINAL(b) && (which == 0 || SOMEBODY_NAMED(v, CHILD(b, v, 0))))
#define SEEN(s, p) notarize[AT(s, p)]
#define CAST_NOTARIZE_NEW(i, p, v, s, which)                                                       \
    NOTARIZE_IF(i, v,                                                                              \
                SEEN(s, p) != 0 && PARENT_CERTIFIED(p, SEEN(s, p)) && GAP_NULLIFIED(p, v) &&       \
                    EXTENDS(p, v, BLOCK(SEEN(s, p)), which),                                       \
                CANDIDATE(p, CHILD(BLOCK(SEEN(s, p)), v, which)))
#define CAST_NOTARIZE_AGAIN(i, p, v, s)                                                            \
    NOTARIZE_IF(i, v,                                                                              \
                SEEN(s, p) != 0 && PARENT_CERTIFIED(p, SEEN(s, p)) && GAP_NULLIFIED(p, v),         \
                CANDIDATE(p, BLOCK(SEEN(s, p))))
#define NEW_ON_ROOT(i, v, which)                                                                   \
    NOTARIZE_IF(i, v, GAP_NULLIFIED(0, v) && EXTENDS(0, v, 0, which),                              \
                CANDIDATE(0, CHILD(0, v, which)))
#if EQUIVOCATE
#define ON_ROOT(i, v)                                                                              \
    NEW_ON_ROOT(i, v, 0)                                                                           \
    NEW_ON_ROOT(i, v, 1)                                                                           \
    NOTARIZE_IF(i, v, GAP_NULLIFIED(0, v), CANDIDATE(0, 0))
#define ON_VIEW(i, p, v, s)                                                                        \
    CAST_NOTARIZE_NEW(i, p, v, s, 0)                                                               \
    CAST_NOTARIZE_NEW(i, p, v, s, 1)                                                               \
    CAST_NOTARIZE_AGAIN(i, p, v, s)
#else
#define ON_ROOT(i, v) NEW_ON_ROOT(i, v, 0)
#define ON_VIEW(i, p, v, s)                                                                        \
    CAST_NOTARIZE_NEW(i, p, v, s, 0)                                                               \
    CAST_NOTARIZE_AGAIN(i, p, v, s)
#endif

/* Validator i is the first of those whose FINALIZE votes make the certificate. */
#if FAULTY == 1
#define FINALIZING(i, v, s) CAST_FINALIZE(i, (i + 1) % 3, v, s)
#else
#define FINALIZING(i, v, s) CAST_FINALIZE(i, i, v, s)
#endif
#if VIEWS == 3
#define VIEW_3(i)                                                                                  \
    ON_ROOT(i, 3)                                                                                  \
    CAST_NULLIFY(i, 3)
#define SEEING_VIEW_3(i, s)                                                                        \
    ON_VIEW(i, 1, 3, s)                                                                            \
    ON_VIEW(i, 2, 3, s)                                                                            \
    FINALIZING(i, 3, s)
#else
#define VIEW_3(i)
#define SEEING_VIEW_3(i, s)
#endif
#define SEEING(i, s)                                                                               \
    ON_VIEW(i, 1, 2, s)                                                                            \
    FINALIZING(i, 1, s)                                                                            \
    FINALIZING(i, 2, s)                                                                            \
    SEEING_VIEW_3(i, s)
#define VALIDATOR(i)                                                                               \
    ON_ROOT(i, 1)                                                                                  \
    ON_ROOT(i, 2)                                                                                  \
    CAST_NULLIFY(i, 1)                                                                             \
    CAST_NULLIFY(i, 2)                                                                             \
    VIEW_3(i)                                                                                      \
    SEEING(i, 0)                                                                                   \
    SEEING(i, 1)                                                                                   \
    SEEING_TWO_MORE(i)                                                                             \
    SEEING_THE_REST(i)
#if FAULTY == 1
#define SEEING_TWO_MORE(i) SEEING(i, 2)
#else
#define SEEING_TWO_MORE(i)
#endif
#if TWICE && FAULTY == 1
#define SEEING_THE_REST(i) SEEING(i, 3) SEEING(i, 4) SEEING(i, 5)
#else
#define SEEING_THE_REST(i)
#endif

active proctype network()
{
    do
    VALIDATOR(0)
    VALIDATOR(1)
#if FAULTY == 1
    VALIDATOR(2)
#endif
#if LOSES > 0
    ::d_step
    {
        LOSES == 1 || !killed ->
        forget(1);
        forget(2);
        forget(3);
        floor = register_view;
        late_view = 0;
        late_kind = 0;
        killed = 1;
        printf("validator 0 is killed; what its register does not hold is lost\n")
    }
#endif
#if LOSES == 3
    ::d_step
    {
        late_view != 0 -> write_register(0, late_view, late_kind);
        late_view = 0;
        late_kind = 0;
        printf("validator 0 writes its register\n")
    }
#endif
    od
}
