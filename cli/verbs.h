/* verbs: every verb of the tool. Each is described and run in the file of its family. */
#ifndef HEFU_CLI_VERBS_H
#define HEFU_CLI_VERBS_H

#include "cli/args.h"

extern const struct verb verb_testnet_init; /* testnet.c */
extern const struct verb verb_key_new;      /* key.c */
extern const struct verb verb_key_show;
extern const struct verb verb_genesis_continue; /* genesis_continue.c */
extern const struct verb verb_genesis_adopt;    /* genesis_adopt.c */
extern const struct verb verb_genesis_show;     /* genesis_show.c */
extern const struct verb verb_status;           /* status.c */
extern const struct verb verb_submit;           /* submit.c */
extern const struct verb verb_receipt;          /* receipt.c */
extern const struct verb verb_block_list;       /* block.c */
extern const struct verb verb_block_show;
extern const struct verb verb_record_show;    /* record.c */
extern const struct verb verb_record_history; /* history.c */
extern const struct verb verb_exceptions;     /* lives.c */
extern const struct verb verb_disputes;
extern const struct verb verb_queue;       /* queue.c */
extern const struct verb verb_limits;      /* limits.c */
extern const struct verb verb_participant; /* registry_list.c */
extern const struct verb verb_service;
extern const struct verb verb_scheme;
extern const struct verb verb_account_list; /* account.c */
extern const struct verb verb_account_show;
extern const struct verb verb_trial_balance;
extern const struct verb verb_statement;  /* statement.c */
extern const struct verb verb_cycle_list; /* cycle.c */
extern const struct verb verb_cycle_show;
extern const struct verb verb_cycle_net;
extern const struct verb verb_cycle_preview;  /* preview.c */
extern const struct verb verb_action_propose; /* action.c */
extern const struct verb verb_action_approve;
extern const struct verb verb_action_disapprove;
extern const struct verb verb_action_list; /* action_show.c */
extern const struct verb verb_action_show;
extern const struct verb verb_verify;        /* verify.c */
extern const struct verb verb_tail;          /* tail.c */
extern const struct verb verb_evidence_list; /* evidence.c */
extern const struct verb verb_evidence_show;
extern const struct verb verb_evidence_export;
extern const struct verb verb_evidence_verify;

#endif
