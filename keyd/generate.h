/* SPDX-License-Identifier: ISC */
/*
 * generate - make a key and a self-signed certificate, for `posthorn init`.
 */
#ifndef KEYD_GENERATE_H
#define KEYD_GENERATE_H

/* keyd --generate KEYFILE CERTFILE NAME...; gives the exit status. */
int generate_main(int argc, char **argv);

#endif
