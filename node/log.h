/*
 * log: one logfmt line on stderr for each event:
 *
 *     time=2026-11-23T09:30:00.123Z level=info event=block_final height=7 records=8192
 *
 * Each line is one write(2), so lines of several threads never mix. A value that holds a space, a
 * quote, "=" or a control character is quoted and escaped, so what a peer sends cannot forge a
 * field or a line. Secrets are never logged.
 */
#ifndef HEFU_NODE_LOG_H
#define HEFU_NODE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

#define LOG_LINE_BYTES_MAX 4096

/* Lines below level are dropped from now on; lines go to fd. At the start: INFO, stderr. */
void log_configure(enum log_level level, int fd);
/* "debug", "info", "warn" or "error"; false otherwise. */
bool log_level_from_name(const char *name, enum log_level *ret_level);
const char *log_level_name(enum log_level level);
/* Whether a line of this level is written, to skip costly arguments. */
bool log_is_on(enum log_level level);

/*
 * format: fields as name=value with single spaces between, "" for none. A value may mix text and
 * conversions of printf (d i u x X c s p f g % with their flags and lengths); put it in double
 * quotes if its text has spaces: log_write(LOG_LEVEL_WARN, "peer_refused", "peer=%u why=\"%s at
 * %u\"", peer, what, place); Quoting and escaping of the value are done here. Too long a line is
 * cut and ends in " cut=1".
 */
void log_write(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with fields that are logfmt already; only control characters in them are escaped. */
void log_fields(enum log_level level, const char *event, const char *fields);

#endif
