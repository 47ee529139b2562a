/* client_schema: the limits of proto/client.proto's fields, for the decoder and the encoder. */
#ifndef HEFU_PROTO_CLIENT_SCHEMA_H
#define HEFU_PROTO_CLIENT_SCHEMA_H

#include "proto/wire.h"

extern const struct wire_schema client_schema;

#endif
