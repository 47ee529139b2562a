/*
 * receipt_file: a receipt as a file that anyone with genesis.json can check: JSON, with what people
 * want to read, and under "proof" the bytes that carry it, in hexadecimal (docs/auditing.md,
 * Receipts). Only the proof is believed when a file is read.
 */
#ifndef HEFU_CLI_RECEIPT_FILE_H
#define HEFU_CLI_RECEIPT_FILE_H

#include "cli/receipt_check.h"
#include "cli/receipt_held.h"

/* Both: EXIT_CLEAN, or the exit code, told. */
int receipt_file_write(const char *path, const struct held *held,
                       const struct receipt_facts *facts) MUST_USE;
/* Not checked yet: receipt_check. EXIT_INTEGRITY for a file that is no receipt, or malformed. */
int receipt_file_read(const char *path, struct held *held) MUST_USE;

#endif
