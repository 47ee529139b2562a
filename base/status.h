/*
 * status: the outcome of an operation of this program (not of a clearing record: those have
 * verdicts, ledger/verdict.h). 0 is success. Every code has a sentence for people, from one table.
 */
#ifndef HEFU_BASE_STATUS_H
#define HEFU_BASE_STATUS_H

/* X(name, sentence). Append only: numbers appear in logs. */
#define STATUS_TABLE(X)                                                                            \
    X(OK, "success")                                                                               \
    X(TRUNCATED, "the data ends before it should")                                                 \
    X(TRAILING, "there are bytes after the end of the data")                                       \
    X(OVERSIZED, "the data is larger than its limit")                                              \
    X(MALFORMED, "the data does not have the expected form")                                       \
    X(VERSION, "the version is not supported")                                                     \
    X(WRONG_CHAIN, "this belongs to another chain")                                                \
    X(BAD_SIGNATURE, "the signature does not verify")                                              \
    X(BAD_HASH, "a hash does not match the bytes it covers")                                       \
    X(BAD_KEY, "a key is not valid, or the passphrase is wrong")                                   \
    X(NOT_FOUND, "it does not exist")                                                              \
    X(EXISTS, "it exists already")                                                                 \
    X(EXPIRED, "its time has passed")                                                              \
    X(TOO_EARLY, "its time has not come")                                                          \
    X(BUSY, "a queue is full, try again later")                                                    \
    X(FULL, "a limit is reached")                                                                  \
    X(DENIED, "not permitted")                                                                     \
    X(UNREACHABLE, "the other side cannot be reached")                                             \
    X(TIMEOUT, "no answer in time")                                                                \
    X(CLOSED, "the connection is closed")                                                          \
    X(IO, "reading or writing failed")                                                             \
    X(NO_SPACE, "the disk or the map is full")                                                     \
    X(LOCKED, "another process holds it")                                                          \
    X(CORRUPT, "stored data is damaged")                                                           \
    X(DIVERGED, "own execution differs from the network's")                                        \
    X(PRUNED, "it existed and has been pruned")                                                    \
    X(NO_MEMORY, "memory or a memory budget is used up")                                           \
    X(USAGE, "the command is not used correctly")                                                  \
    X(FORGED, "the bytes do not authenticate")

#define STATUS_ENUM(name, sentence) STATUS_##name,
enum status { STATUS_TABLE(STATUS_ENUM) STATUS_COUNT };
#undef STATUS_ENUM

#define MUST_USE __attribute__((warn_unused_result))

/* The code's short name ("BAD_SIGNATURE"); "UNKNOWN" outside the table. Static storage. */
const char *status_name(enum status status);

/* The code's sentence for people; never NULL. Static storage. */
const char *status_text(enum status status);

#endif
