/*
 * metrics_text: what the metrics of a status report say, in a line for people each, and all of them
 * as a list for programs (docs/operations.md, Metrics).
 */
#ifndef HEFU_CLI_METRICS_TEXT_H
#define HEFU_CLI_METRICS_TEXT_H

#include <stddef.h>

#include "cli/output.h"
#include "proto/client_codec.h"

/* Each writes one line into ret_text, which is "none" if there is nothing to say. What does not fit
   is left out at the end. */

/* "node-1 at 12, node-2 at 10 (2 behind), node-3 away, silent for 12 s". */
void metrics_peers_text(const struct client_status_report *report, char *ret_text, size_t capacity);
/* "node-2: 80 silent, 1 no_proposal; node-3: 1 not_notarized". */
void metrics_timeouts_text(const struct client_status_report *report, char *ret_text,
                           size_t capacity);
/* The validators not heard of for 5 s, by name. */
void metrics_missing_text(const struct client_status_report *report, char *ret_text,
                          size_t capacity);
/* "501 blocks, mean 17.2 ms, 9 in 10 within 25 ms". */
void metrics_finality_text(const struct client_status_report *report, char *ret_text,
                           size_t capacity);
/* "store mean 1.2 ms, 9 in 10 within 2.5 ms; register mean 0.2 ms, 9 in 10 within 0.25 ms". */
void metrics_fsync_text(const struct client_status_report *report, char *ret_text, size_t capacity);

/* Name, labels, value, kind and meaning of every counter and metric of the report. */
void metrics_print(const struct client_status_report *report, enum output_format format);

#endif
