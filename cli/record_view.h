/* record_view: a final record as columns, shared by the verbs that print records. */
#ifndef HEFU_CLI_RECORD_VIEW_H
#define HEFU_CLI_RECORD_VIEW_H

#include "cli/home.h"
#include "cli/output.h"

#define RECORD_VIEW_COLUMNS 22

extern const struct column record_view_columns[RECORD_VIEW_COLUMNS];

struct record_view {
    uint64_t height;
    uint32_t position; /* batch_index << 16 | record_index */
    uint64_t time_ms;  /* the block's */
    uint32_t submitter;
    uint16_t verdict;
    const struct record *record;
};

/* One row of record_view_columns. */
void record_view_print(struct output *output, const struct names *names,
                       const struct record_view *view);
/* "POSTED", or the number of an unknown verdict in ret_text. */
const char *verdict_text(uint16_t verdict, char ret_text[16]);

#endif
