/* peer_schema: the limits of proto/peer.proto's fields, for the decoder and the encoder. */
#ifndef HEFU_PROTO_PEER_SCHEMA_H
#define HEFU_PROTO_PEER_SCHEMA_H

#include "proto/wire.h"

extern const struct wire_schema peer_schema;

#endif
