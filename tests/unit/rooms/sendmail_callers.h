/* SPDX-License-Identifier: ISC */
/*
 * Who calls sendmail, and how: the command lines of programs that do, a row each.
 *
 * ME in `sender` stands for the calling user.  `argv` is cut at blanks, "''" is an empty argument
 * and "_" in an argument a blank.
 */
#ifndef ROOMS_SENDMAIL_CALLERS_H
#define ROOMS_SENDMAIL_CALLERS_H

#include "proto/smtp.h"
#include "wire/envelope.h"

#define ME	"(me)"

/* Messages callers write. */
#define HEAD	"From: cron <root>\nTo: root\nSubject: job\n"
#define TEXT	HEAD "\nbody\n"
#define WITH_T	"To: Al <al@x.org>, b@y.org\nCc: c@z.org\nBcc: hidden@w.org\nSubject: s\n\nbody\n"
#define T_RCPTS	"al@x.org b@y.org c@z.org hidden@w.org"
#define T_CONTENT "To: Al <al@x.org>, b@y.org\r\nCc: c@z.org\r\nSubject: s\r\n\r\nbody\r\n"
#define OUT	"From: cron <root>\r\nTo: root\r\nSubject: job\r\n\r\nbody\r\n"

static const struct caller {
	const char *who, *argv, *input;
	const char *sender, *rcpts, *content;	/* rcpts NULL: nothing may be queued */
	const char *fullname;			/* NULL: not looked at */
	unsigned flags, notify, ret;
	const char *envid;
	const char *warns;			/* what it says beside; NULL: nothing */
	int status;
} callers[] = {
	{ "cron (Debian)", "/usr/sbin/sendmail -FCronDaemon -i -B8BITMIME -oem root", TEXT, ME, "root", OUT,
	  .fullname = "CronDaemon", .flags = ENV_8BITMIME },
	{ "cron (Vixie)", "/usr/lib/sendmail -FCronDaemon -odi -oem -or0s root", TEXT, ME, "root", OUT,
	  .fullname = "CronDaemon" },
	{ "cronie", "/usr/sbin/sendmail -FCronDaemon -i -odi -oem -oi -t -f root", WITH_T, "root", T_RCPTS,
	  T_CONTENT, .fullname = "CronDaemon" },
	{ "anacron", "/usr/sbin/sendmail -FAnacron -odi root", TEXT, ME, "root", OUT, .fullname = "Anacron" },
	{ "systemd-cron", "sendmail -i -B8BITMIME root", TEXT, ME, "root", OUT, .flags = ENV_8BITMIME },
	{ "at", "sendmail -i root", TEXT, ME, "root", OUT },
	{ "sudo", "/usr/sbin/sendmail -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "mdadm", "/usr/sbin/sendmail -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "logwatch", "/usr/sbin/sendmail -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "fail2ban", "/usr/sbin/sendmail -f fail2ban@x.org root@x.org", HEAD "\na\n.\nnot sent\n",
	  "fail2ban@x.org", "root@x.org", "From: cron <root>\r\nTo: root\r\nSubject: job\r\n\r\na\r\n" },
	{ "unattended-upgrades", "/usr/sbin/sendmail -oi -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "cron-apt", "sendmail -t -oi", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "debsecan", "sendmail -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "rkhunter", "sendmail root@x.org", TEXT, ME, "root@x.org", OUT },
	{ "popularity-contest", "sendmail -oi -f root@x.org survey@popcon.debian.org", TEXT, "root@x.org",
	  "survey@popcon.debian.org", OUT },
	{ "systemd OnFailure", "/usr/bin/sendmail -t", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "PHP mail()", "sendmail -t -i -fwww@x.org", "To: a@x.org\r\nSubject: s\r\n\r\nb\r\n", "www@x.org",
	  "a@x.org", "To: a@x.org\r\nSubject: s\r\n\r\nb\r\n" },
	{ "PHP mail(), old line ends", "sendmail -t -i", "To: a@x.org\r\nSubject: s\nX: y\r\r\n\nb", ME,
	  "a@x.org", "To: a@x.org\r\nSubject: s\r\nX: y\r\n\r\nb\r\n" },
	{ "a form with a stranger's CR (F1)", "sendmail -t -fwww@x.org",
	  "To: a@x.org\nSubject: s\rBcc: c@z.org\n\nb\r.\nmore\r\n", "www@x.org", "a@x.org",
	  "To: a@x.org\r\nSubject: s Bcc: c@z.org\r\n\r\nb\r\n.\r\nmore\r\n" },
	{ "PHPMailer", "sendmail -oi -fwww@x.org -t", WITH_T, "www@x.org", T_RCPTS, T_CONTENT },
	{ "Symfony -t", "sendmail -t -i", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "Symfony with recipients", "sendmail -oi -fa@x.org -- b@y.org c@z.org", TEXT, "a@x.org",
	  "b@y.org c@z.org", OUT },
	/* Dots doubled by a caller that gave no -i stay: sendmail and Postfix leave them too. */
	{ "Symfony without -i", "sendmail -fa@x.org -- b@y.org", HEAD "\n..two\n", "a@x.org", "b@y.org",
	  "From: cron <root>\r\nTo: root\r\nSubject: job\r\n\r\n..two\r\n" },
	{ "nodemailer", "sendmail -i -f a@x.org b@y.org hidden@w.org", WITH_T, "a@x.org",
	  "b@y.org hidden@w.org", T_CONTENT },
	{ "Ruby mail", "/usr/sbin/sendmail -i -f a@x.org -- b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "Email::Sender", "sendmail -i -f a@x.org -- b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "MIME::Lite", "/usr/lib/sendmail -t -oi -oem", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "MailTools, arguments too", "sendmail -t extra@x.org", WITH_T, ME, "extra@x.org " T_RCPTS,
	  T_CONTENT },
	{ "git send-email", "/usr/sbin/sendmail -f a@x.org -i b@y.org c@z.org", TEXT, "a@x.org",
	  "b@y.org c@z.org", OUT },
	{ "Mercurial", "sendmail -f a@x.org b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "mutt", "/usr/sbin/sendmail -oem -oi -B8BITMIME -f a@x.org -N failure,delay -R hdrs -- b@y.org",
	  TEXT, "a@x.org", "b@y.org", OUT, .flags = ENV_8BITMIME,
	  .notify = SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY, .ret = SMTP_RET_HDRS },
	{ "s-nail", "sendmail -i -m -v -F A_B -f a@x.org -- b@y.org", TEXT, "a@x.org", "b@y.org", OUT,
	  .fullname = "A B" },
	{ "bsd-mailx", "sendmail -i -t -f a@x.org -m -v", WITH_T, "a@x.org", T_RCPTS, T_CONTENT },
	{ "Emacs", "/usr/sbin/sendmail -oi -f a@x.org -oA/etc/mail.aliases -oem -odb -t", WITH_T, "a@x.org",
	  T_RCPTS, T_CONTENT },
	{ "Claws", "sendmail -t -i", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "nmh", "sendmail -t -odi -oem", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "Dovecot LDA", "/usr/sbin/sendmail -i -f a@x.org -- b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "Dovecot LDA, null sender", "/usr/sbin/sendmail -i -f <> -- b@y.org", TEXT, "", "b@y.org", OUT },
	{ "Sympa", "sendmail -oi -odi -oem -N success,delay,failure -V0000ENVID -f a@x.org -- b@y.org", TEXT,
	  "a@x.org", "b@y.org", OUT, .notify = 14, .envid = "0000ENVID" },
	{ "Sympa, null sender", "sendmail -oi -odi -oem -f '' -- b@y.org", TEXT, "", "b@y.org", OUT },
	{ "Request Tracker", "sendmail -oi -t -f <>", WITH_T, "", T_RCPTS, T_CONTENT },
	{ "OpenDKIM", "sendmail -t -fopendkim@x.org", WITH_T, "opendkim@x.org", T_RCPTS, T_CONTENT },
	{ "procmail", "sendmail -oi a@x.org", TEXT, ME, "a@x.org", OUT },
	{ "content filter", "/usr/sbin/sendmail -G -i -f a@x.org b@y.org", TEXT, "a@x.org", "b@y.org", OUT,
	  .flags = ENV_NO_EXPAND },
	/* Shapes of the command line. */
	{ "cluster", "sendmail -ti", WITH_T, ME, T_RCPTS, T_CONTENT },
	{ "cluster with value", "sendmail -itfa@x.org", WITH_T, "a@x.org", T_RCPTS, T_CONTENT },
	{ "-r", "sendmail -r a@x.org b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "-F apart", "sendmail -F A -f a@x.org b@y.org", TEXT, "a@x.org", "b@y.org", OUT, .fullname = "A" },
	{ "list in one argument", "sendmail -f a@x.org A_<b@y.org>,c@z.org", TEXT, "a@x.org",
	  "b@y.org c@z.org", OUT },
	{ "same address twice", "sendmail -f a@x.org b@y.org b@y.org", TEXT, "a@x.org", "b@y.org", OUT },
	{ "-R full", "sendmail -R full -V x -N never b@y.org", TEXT, ME, "b@y.org", OUT,
	  .notify = SMTP_NOTIFY_NEVER, .ret = SMTP_RET_FULL, .envid = "x" },
	{ "old and harmless", "sendmail -A c -U -n -h 3 -L tag -O a=b -X/dev/null -p x -d -e m -oee -oep -o7"
	  " -o8 -om -Q b@y.org", TEXT, ME, "b@y.org", OUT, .flags = ENV_8BITMIME },
	{ "-q30m with mail", "sendmail -q30m b@y.org", TEXT, ME, "b@y.org", OUT },
	{ "quoted local part", "sendmail -f \"a_b\"@x.org \"b\"@y.org", TEXT, "\"a b\"@x.org", "b@y.org", OUT },
	/* Shapes of the message. */
	{ "no header", "sendmail b@y.org", "hello\nworld", ME, "b@y.org", "\r\nhello\r\nworld\r\n" },
	{ "nothing at all", "sendmail b@y.org", "", ME, "b@y.org", "\r\n" },
	{ "header only", "sendmail b@y.org", "Subject: x", ME, "b@y.org", "Subject: x\r\n\r\n" },
	{ "From line of mbox", "sendmail b@y.org", "From a Mon Jan 1\nSubject: x\n\nFrom b\n", ME, "b@y.org",
	  "Subject: x\r\n\r\nFrom b\r\n" },
	{ "blank line forgotten", "sendmail b@y.org", "Subject: x\nthis is text\n", ME, "b@y.org",
	  "Subject: x\r\n\r\nthis is text\r\n" },
	{ "dropped fields", "sendmail b@y.org", "Return-Path: <q>\nContent-Length: 3\nbcc: a,\n b\n"
	  "Resent-Bcc: c\nX: y\n\nBcc: stays\n", ME, "b@y.org", "X: y\r\n\r\nBcc: stays\r\n" },
	{ "resent", "sendmail -t", "To: no@x.org\nResent-To: a@x.org\nResent-Bcc: b@x.org\n\n", ME,
	  "a@x.org b@x.org", "To: no@x.org\r\nResent-To: a@x.org\r\n\r\n" },
	{ "lone dot with -i", "sendmail -i b@y.org", "X: y\n\na\n.\nb\n", ME, "b@y.org",
	  "X: y\r\n\r\na\r\n.\r\nb\r\n" },
	{ "lone dot at the end", "sendmail b@y.org", "X: y\n\na\n.", ME, "b@y.org", "X: y\r\n\r\na\r\n" },
	{ "dot in the header", "sendmail b@y.org", "X: y\n.\nZ: z\n", ME, "b@y.org", "X: y\r\n\r\n" },
	{ "groups and comments", "sendmail -t", "To: g: a@x.org, (b@no) \"c, d\" <c@x.org>;, e@x.org\n\n", ME,
	  "a@x.org c@x.org e@x.org", "To: g: a@x.org, (b@no) \"c, d\" <c@x.org>;, e@x.org\r\n\r\n" },
	/* Wishes that are not understood. */
	{ "bad -N", "sendmail -N sometimes b@y.org", TEXT, ME, "b@y.org", OUT,
	  .warns = "bad -N value, ignored: sometimes" },
	{ "bad -N, mixed", "sendmail -N never,delay b@y.org", TEXT, ME, "b@y.org", OUT,
	  .warns = "bad -N value, ignored: never,delay" },
	{ "bad -R", "sendmail -R half b@y.org", TEXT, ME, "b@y.org", OUT,
	  .warns = "bad -R value, ignored: half" },
	{ "line break in -V (C3)", "sendmail -V a\nb b@y.org", TEXT, ME, "b@y.org", OUT,
	  .warns = "bad -V value, ignored: a?b" },
	/* Refusals. */
	{ "no recipients", "sendmail", TEXT, .status = 64 },
	{ "-t and none in it", "sendmail -t", "Subject: x\n\nb\n", .status = 64 },
	{ "undisclosed", "sendmail -t", "To: undisclosed-recipients:;\n\nb\n", .status = 64 },
	{ "unknown mode", "sendmail -bz b@y.org", TEXT, .status = 64 },
	{ "value missing", "sendmail -f", TEXT, .status = 64 },
	{ "bad recipient", "sendmail a@b@c..d", TEXT, .status = 65 },
	{ "bad sender", "sendmail -f a@@b c@x.org", TEXT, .status = 65 },
	/* security A5: an option cannot be smuggled in as an address. */
	{ "address with a dash", "sendmail -- -oQ/tmp@x.org", TEXT, .status = 65 },
	/* security C3: no line break reaches the envelope. */
	{ "line break in -f", "sendmail -f a\nX:_1@x.org b@y.org", TEXT, .status = 65 },
};

/* Names and modes that are another program's work: what it is called with. */
static const struct mode_row {
	const char *argv, *says;
	int status;
} modes[] = {
	{ "mailq", "postqueue -c DIR -p", 0 },
	{ "/usr/bin/mailq -v", "postqueue -c DIR -p", 0 },
	{ "sendmail -bp", "postqueue -c DIR -p", 0 },
	{ "sendmail -q", "postqueue -c DIR -f", 0 },
	{ "sendmail -qRx.org", "postqueue -c DIR -s x.org", 0 },
	{ "sendmail -qI4gXyz01234z5", "postqueue -c DIR -i 4gXyz01234z5", 0 },
	{ "newaliases", "postalias -c DIR hash:/etc/aliases inline:x", 0 },
	{ "sendmail -bi", "postalias -c DIR hash:/etc/aliases inline:x", 0 },
	{ "sendmail -I", "postalias -c DIR hash:/etc/aliases inline:x", 0 },
	{ "sendmail -bi -oA/tmp/al", "postalias -c DIR /tmp/al", 0 },
	{ "sendmail -bd -q30m", "posthorn -c DIR start", 0 },
	{ "sendmail -q30m", "", 0 },
	{ "sendmail -bh", "", 0 },
};

/* -bs: Symfony's and alpine's way.  Lines of the answer are matched by their beginnings. */
static const struct talk {
	const char *who, *argv, *input, *codes;
	const char *sender, *rcpts, *content;
} talks[] = {
	{ "Symfony", "sendmail -bs",
	  "EHLO [127.0.0.1]\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\nTo: b@y.org\r\n\r\n..a\r\n"
	  ".\r\nQUIT\r\n", "220 250-250-250-250-250 250 250 354 250 221 ",
	  "a@x.org", "b@y.org", "To: b@y.org\r\n\r\n.a\r\n" },
	{ "alpine, bare LF", "sendmail -bs -odb -oem",
	  "HELO x\nMAIL FROM:<>\nRCPT TO:<bob>\nRCPT TO:<\"c d\"@y.org>\nDATA\nBcc: q\nX: y\n\na\n.\nQUIT\n",
	  "220 250 250 250 250 354 250 221 ", "", "bob \"c d\"@y.org", "X: y\r\n\r\na\r\n" },
	{ "errors", "sendmail -bs",
	  "DATA\nRCPT TO:<a@x.org>\nMAIL FROM:a\nMAIL FROM:<a@x.org>\nMAIL FROM:<b@x.org>\nRCPT TO:<@r:a@x.org>\n"
	  "RCPT TO:<-x@y.org>\nDATA\nFOO\nRSET\nVRFY x\nNOOP\n",
	  "220 503 503 501 250 503 553 553 503 500 250 252 250 ", NULL, NULL, NULL },
	/* As in smtpd: parameters of extensions that are not announced, and too much by their own word. */
	{ "what was not announced", "sendmail -bs",
	  "EHLO x\nMAIL FROM:<a@x.org> RET=HDRS\nMAIL FROM:<a@x.org> SMTPUTF8\nMAIL FROM:<a@x.org> SIZE=102401\n"
	  "MAIL FROM:<a@x.org> SIZE=102400 BODY=8BITMIME\nRCPT TO:<b@y.org> NOTIFY=NEVER\nQUIT\n",
	  "220 250-250-250-250-250 555 555 552 250 555 221 ", NULL, NULL, NULL },
	{ "end inside the data", "sendmail -bs", "HELO x\nMAIL FROM:<>\nRCPT TO:<b@y.org>\nDATA\nX: y\n\na\n",
	  "220 250 250 250 354 451 ", NULL, NULL, NULL },
	/* Who doubles the dots behind LF has not seen these: they end nothing (security F1). */
	{ "a stranger's CR", "sendmail -bs", "HELO x\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\n"
	  "X: y\rBcc: z\r\n\r\na\r.\r\nMAIL FROM:<c@x.org>\r.\rb\r\n.\r\nQUIT\r\n",
	  "220 250 250 250 354 250 221 ", "a@x.org", "b@y.org",
	  "X: y Bcc: z\r\n\r\na\r\n.\r\nMAIL FROM:<c@x.org>\r\n.\r\nb\r\n" },
	{ "a sender that is none", "sendmail -bs -fa@b@c",
	  "HELO x\nMAIL FROM:<a@x.org>\nRCPT TO:<b@y.org>\nDATA\nQUIT\n", "220 250 250 250 send553 221 ",
	  NULL, NULL, NULL },
};

#endif
