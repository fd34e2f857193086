# SPDX-License-Identifier: ISC
"""The servers under test: where each lives, its configuration, start and stop.

Every target lives in a root of its own under $BENCH_ROOTS (made by `run setup`
with debootstrap) and runs chrooted there, inside the network name space
$BENCH_NETNS, on a loopback address of its own.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOTS = os.environ.get("BENCH_ROOTS", "")
NETNS = os.environ.get("BENCH_NETNS", "mailbench")
DOMAINS = ("hold", "discard", "sink", "local")
SINK = ("127.0.1.9", 2525)
USERS = 20


def need_roots():
    if not ROOTS:
        raise SystemExit("BENCH_ROOTS must name the directory for the roots")
    return ROOTS


def make_netns():
    if subprocess.run(["ip", "netns", "exec", NETNS, "true"],
                      stderr=subprocess.DEVNULL).returncode:
        subprocess.run(["ip", "netns", "add", NETNS], check=True)


def netns(cmd):
    return ["ip", "netns", "exec", NETNS] + cmd


class Target:
    name = ""
    packages = ()
    smtp = None          # (address, port)
    imap = None
    pop3 = None
    lmtp = None
    spool = ""           # inside the root
    variants = ("default",)

    @property
    def root(self):
        return os.path.join(need_roots(), self.name)

    def path(self, p):
        return os.path.join(self.root, p.lstrip("/"))

    def write(self, p, text, mode=0o644):
        full = self.path(p)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)
        os.chmod(full, mode)

    def sh(self, cmd, check=True, **kw):
        return subprocess.run(netns(["chroot", self.root, "sh", "-c", cmd]),
                              check=check, **kw)

    def shell(self, script):
        """The command line that runs a shell script where the target's programs are."""
        return netns(["chroot", self.root, "sh", "-c", script])

    def inside(self, p):
        """A path as that script sees it."""
        return p

    def pids(self):
        """Every process whose root directory is in this target's root."""
        mine = []
        root = os.path.realpath(self.root)
        for p in os.listdir("/proc"):
            if p.isdigit():
                try:
                    r = os.readlink("/proc/%s/root" % p)
                except OSError:
                    continue
                if r == root or r.startswith(root + "/"):
                    mine.append(int(p))
        return mine

    def stop(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for _ in range(20):
                left = self.pids()
                if not left:
                    return
                for p in left:
                    try:
                        os.kill(p, sig)
                    except OSError:
                        pass
                time.sleep(0.2)

    def common_setup(self):
        for u in range(USERS):
            name = "u%d" % u
            with open(self.path("/etc/passwd")) as f:
                known = name + ":" in f.read()
            if not known:
                self.sh("useradd -m -s /bin/sh %s" % name)
        # no name server: a refused query, not a timeout
        self.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        self.write("/etc/hosts", "127.0.0.1 localhost load.bench.example\n" + "".join(
            "127.0.1.%d h%d.bench.example\n" % (i, i) for i in range(1, 20)))
        cert = self.path("/etc/ssl/bench.pem")
        if not os.path.exists(cert):
            key = self.path("/etc/ssl/bench.key")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                            "-subj", "/CN=mx.bench.example", "-keyout", key,
                            "-out", cert], check=True, stderr=subprocess.DEVNULL)
            os.chmod(key, 0o600)
        dev = self.path("/dev")
        for n, ma, mi in (("null", 1, 3), ("zero", 1, 5), ("random", 1, 8),
                          ("urandom", 1, 9), ("full", 1, 7), ("tty", 5, 0)):
            if not os.path.exists(os.path.join(dev, n)):
                os.mknod(os.path.join(dev, n), 0o20666, os.makedev(ma, mi))
                os.chmod(os.path.join(dev, n), 0o666)

    def queue_len(self):
        """Files in the queue (messages not gone yet)."""
        n = 0
        for d in self.queue_dirs:
            for _, _, files in os.walk(self.path(d)):
                n += sum(1 for f in files if self.is_msg(f))
        return n

    queue_dirs = ()

    def is_msg(self, f):
        return True

    def wipe_queue(self):
        for d in self.queue_dirs:
            top = self.path(d)
            for base, _, files in os.walk(top):
                for f in files:
                    os.unlink(os.path.join(base, f))

    def wipe_mail(self):
        for u in range(USERS):
            shutil.rmtree(self.path("/home/u%d/Maildir" % u), ignore_errors=True)

    def delivered(self):
        n = 0
        for u in range(USERS):
            d = self.path("/home/u%d/Maildir/new" % u)
            if os.path.isdir(d):
                n += len(os.listdir(d))
        return n


def send_one(t):
    """One message to the hold domain, by hand."""
    binary = os.path.join(os.environ.get("BENCH_BIN", os.path.join(HERE, "bin")), "mailload")
    subprocess.run(netns([binary, "smtp", t.smtp[0], str(t.smtp[1]), "-m", "1"]), check=True,
                   stdout=subprocess.DEVNULL)
    time.sleep(0.5)


class Postfix(Target):
    name = "postfix"
    packages = ("postfix",)
    smtp = ("127.0.1.1", 25)
    spool = "/var/spool/postfix"
    variants = ("default", "tuned")
    queue_dirs = tuple("/var/spool/postfix/" + d for d in
                       ("maildrop", "incoming", "active", "deferred", "hold", "defer"))
    sendmail = "/usr/sbin/sendmail"
    mailq = "/usr/sbin/postqueue -p"

    def configure(self, variant):
        self.write("/etc/postfix/main.cf", """
compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.bench.example
mydomain = bench.example
mydestination = local.bench.example, localhost
inet_interfaces = 127.0.1.1
inet_protocols = ipv4
smtp_bind_address = 127.0.1.1
mynetworks = 127.0.0.0/8
alias_maps =
home_mailbox = Maildir/
message_size_limit = 104857600
mailbox_size_limit = 0
smtp_host_lookup = native
smtp_dns_support_level = disabled
transport_maps = inline:{ {discard.bench.example=discard:}, {sink.bench.example=smtp:[127.0.1.9]:2525} }
smtpd_relay_restrictions = check_recipient_access inline:{ {hold.bench.example=HOLD} }, permit_mynetworks, reject
smtpd_tls_cert_file = /etc/ssl/bench.pem
smtpd_tls_key_file = /etc/ssl/bench.key
smtpd_tls_security_level = may
smtpd_tls_session_cache_database = btree:${data_directory}/smtpd_scache
""" + ("default_process_limit = 1200\nin_flow_delay = 0\n"
       "qmgr_message_active_limit = 50000\n" if variant == "tuned" else ""))

    def start(self, variant="default"):
        self.configure(variant)
        self.sh("mkdir -p /var/spool/postfix/etc && "
                "cp /etc/services /etc/hosts /etc/resolv.conf /var/spool/postfix/etc/; "
                "postfix start", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fill_deferred(self, count):
        """Copies of one held message, each named after its inode, not due yet."""
        send_one(self)
        hold = self.path("/var/spool/postfix/hold")
        name = os.listdir(hold)[0]
        with open(os.path.join(hold, name), "rb") as f:
            text = f.read()
        own = os.stat(os.path.join(hold, name))
        self.stop()
        os.unlink(os.path.join(hold, name))
        top = self.path("/var/spool/postfix/deferred")
        later = time.time() + 3600
        for i in range(count):
            first = "%05X" % (i * 7919 % 1000000)
            d = os.path.join(top, first[0])
            if i < 16 or not os.path.isdir(d):
                os.makedirs(d, exist_ok=True)
                os.chown(d, own.st_uid, 0)
                os.chmod(d, 0o700)
            tmp = os.path.join(d, "tmp")
            with open(tmp, "wb") as f:
                f.write(text)
                os.fchown(f.fileno(), own.st_uid, own.st_gid)
                os.fchmod(f.fileno(), 0o700)
                ino = os.fstat(f.fileno()).st_ino
            os.utime(tmp, (later, later))
            os.rename(tmp, os.path.join(d, "%s%X" % (first, ino)))

    def is_msg(self, f):
        return not f.startswith(".")

    def queue_len(self):
        n = 0
        for d in self.queue_dirs[:-1]:
            for _, _, files in os.walk(self.path(d)):
                n += len(files)
        return n


class Exim(Target):
    name = "exim"
    packages = ("exim4-daemon-heavy",)
    smtp = ("127.0.1.2", 25)
    spool = "/var/spool/exim4"
    variants = ("default", "tuned")
    queue_dirs = ("/var/spool/exim4/input", "/var/spool/exim4/msglog")
    sendmail = "/usr/sbin/exim4"
    mailq = "/usr/sbin/exim4 -bp"

    def configure(self, variant):
        # the compiled-in name: exim gives up root for any other
        self.write("/etc/exim4/exim4.conf", """
primary_hostname = mx.bench.example
domainlist local_domains = local.bench.example
acl_smtp_rcpt = rcpt
acl_smtp_data = data
local_interfaces = 127.0.1.2
daemon_smtp_ports = 25
never_users = root
host_lookup =
rfc1413_query_timeout = 0s
ignore_bounce_errors_after = 2d
timeout_frozen_after = 7d
keep_environment =
log_selector = +all_parents
message_size_limit = 100M
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
tls_advertise_hosts = *
tls_certificate = /etc/ssl/bench.pem
tls_privatekey = /etc/ssl/bench-exim.key
smtp_accept_max_per_host = 5000
smtp_connect_backlog = 1024
""" + ("smtp_accept_max = 2000\nsmtp_accept_queue_per_connection = 0\n"
       "queue_run_max = 16\nsplit_spool_directory\n"
       if variant == "tuned" else "") + """
begin acl
rcpt:
  accept domains = hold.bench.example
         control = queue_only
  accept
data:
  accept

begin routers
hold:
  driver = redirect
  domains = hold.bench.example
  allow_defer
  data = :defer: held
discard:
  driver = redirect
  domains = discard.bench.example
  data = :blackhole:
sink:
  driver = manualroute
  domains = sink.bench.example
  transport = remote
  route_list = * 127.0.1.9
  self = send
  host_find_failed = defer
local:
  driver = accept
  domains = +local_domains
  check_local_user
  transport = maildir

begin transports
remote:
  driver = smtp
  port = 2525
  interface = 127.0.1.2
  allow_localhost
maildir:
  driver = appendfile
  maildir_format
  directory = $home/Maildir
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  mode = 0600

begin retry
* * F,2h,15m; G,16h,1h,1.5; F,4d,6h
""")

    def start(self, variant="default"):
        self.configure(variant)
        key = self.path("/etc/ssl/bench-exim.key")
        shutil.copy(self.path("/etc/ssl/bench.key"), key)
        self.sh("chgrp Debian-exim /etc/ssl/bench-exim.key; chmod 640 /etc/ssl/bench-exim.key;"
                "mkdir -p /run/exim4; chown Debian-exim /run/exim4;"
                "mkdir -p /var/log/exim4; chown Debian-exim /var/log/exim4;"
                "chown root:root /etc/exim4/exim4.conf;"
                "exim4 -bd -q1m -oP /run/exim4/exim.pid")

    def fill_deferred(self, count):
        """Copies of one message under other names."""
        send_one(self)
        top = self.path("/var/spool/exim4/input")
        found = []
        for base, _, files in os.walk(top):
            found += [os.path.join(base, f) for f in files if f.endswith("-H")]
        first = found[0]
        mid = os.path.basename(first)[:-2]
        base = os.path.dirname(first)
        with open(first) as f:
            head = f.read()
        with open(os.path.join(base, mid + "-D")) as f:
            data = f.read()
        own = os.stat(first)
        self.stop()
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        for i in range(count):
            n, mark = i, ""
            for _ in range(6):
                mark = digits[n % 62] + mark
                n //= 62
            new = mid[:7] + mark + mid[13:]
            # split_spool_directory: the sixth character names the directory
            for end, text in (("-D", data), ("-H", head)):
                p = os.path.join(base, new + end)
                with open(p, "w") as f:
                    f.write(text.replace(mid, new))
                    os.fchown(f.fileno(), own.st_uid, own.st_gid)
                    os.fchmod(f.fileno(), 0o640)

    def is_msg(self, f):
        return f.endswith("-H")


class OpenSMTPD(Target):
    name = "opensmtpd"
    packages = ("opensmtpd",)
    smtp = ("127.0.1.3", 25)
    spool = "/var/spool/smtpd"
    queue_dirs = ("/var/spool/smtpd/queue", "/var/spool/smtpd/incoming",
                  "/var/spool/smtpd/corrupt", "/var/spool/smtpd/temporary")
    sendmail = "/usr/sbin/sendmail"
    mailq = "/usr/sbin/smtpctl show queue"

    def configure(self, variant):
        self.write("/etc/smtpd.conf", """
pki mx.bench.example cert "/etc/ssl/bench.pem"
pki mx.bench.example key "/etc/ssl/bench.key"
smtp max-message-size 100M
table aliases file:/etc/aliases
listen on 127.0.1.3 port 25 tls pki mx.bench.example hostname mx.bench.example
action "local" maildir "%{user.directory}/Maildir"
action "sink" relay host smtp://127.0.1.9:2525 src 127.0.1.3
action "discard" mda "/bin/cat >/dev/null" user nobody
match from any for domain "local.bench.example" action "local"
match from any for domain "sink.bench.example" action "sink"
match from any for domain "hold.bench.example" action "sink"
match from any for domain "discard.bench.example" action "discard"
match from local for any action "sink"
""", 0o600)

    def start(self, variant="default"):
        self.configure(variant)
        self.sh("echo mx.bench.example > /etc/mailname; touch /etc/aliases;"
                "mkdir -p /run /var/lib/opensmtpd/empty;"
                "smtpd")

    def hold(self):
        """No HOLD action here: stop the deliveries."""
        self.sh("sleep 0.5; smtpctl pause mta; smtpctl pause mda", stdout=subprocess.DEVNULL)

    def is_msg(self, f):
        return f == "message"


class Dovecot(Target):
    name = "dovecot"
    packages = ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
    imap = ("127.0.1.4", 143)
    pop3 = ("127.0.1.4", 110)
    lmtp = ("127.0.1.4", 24)
    variants = ("default", "tuned")

    def configure(self, variant):
        self.write("/etc/dovecot/users", "".join(
            "u%d:{PLAIN}pw::::::\n" % i for i in range(2000)), 0o640)
        tuned = variant == "tuned"
        self.write("/etc/dovecot/dovecot.conf", """
protocols = imap pop3 lmtp
listen = 127.0.1.4
mail_location = maildir:/srv/mail/%%n
disable_plaintext_auth = no
ssl = yes
ssl_cert = </etc/ssl/bench.pem
ssl_key = </etc/ssl/bench.key
log_path = /var/log/dovecot.log
mail_max_userip_connections = 100000
first_valid_uid = 100
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/mail/%%n
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.1.4
    port = 24
  }
  process_limit = 200
}
service imap {
  process_limit = 4096
  %s
}
service imap-login {
  inet_listener imaps {
    port = 0
  }
  process_limit = 2048
  %s
}
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
service anvil {
  client_limit = 10000
}
service auth {
  client_limit = 10000
}
""" % (("service_count = 100\n  process_min_avail = 2" if tuned else ""),
       ("service_count = 0\n  process_min_avail = 2\n  client_limit = 4000" if tuned else "")))

    def start(self, variant="default"):
        self.configure(variant)
        self.sh("id vmail >/dev/null 2>&1 || useradd -d /srv/mail vmail;"
                "mkdir -p /srv/mail /run/dovecot; chown vmail:vmail /srv/mail;"
                "chgrp dovecot /etc/dovecot/users; dovecot")


class Ours(Target):
    """Posthorn, through an adapter: the executable named by BENCH_OURS, called as

        ADAPTER start DIR IP VARIANT   bring a fresh instance up in DIR, listening on IP ports 25,
                                       587, 143 and 110; exit 0 when it answers
        ADAPTER stop DIR               bring it down
        ADAPTER pids DIR               its process ids, one per line
        ADAPTER queue DIR              how many messages wait in its queue
        ADAPTER maildirs DIR           the Maildirs of u0 to u19, one per line, made or not
        ADAPTER env DIR                NAME=VALUE words: SENDMAIL, its sendmail, and what that needs

    It takes mail from loopback for four domains, as the other targets do: hold.bench.example
    (stays on hold in the queue), discard.bench.example (thrown away), sink.bench.example (relayed to
    127.0.1.9:2525), local.bench.example (Maildir of users u0 to u19, password "pw").
    It is called inside the network name space of the other targets.
    """
    name = "ours"
    smtp = ("127.0.1.5", 25)
    imap = ("127.0.1.5", 143)
    pop3 = ("127.0.1.5", 110)
    queue_dirs = ()
    variants = ("default",)
    box = None

    @property
    def sendmail(self):
        return "%s sendmail %s" % (os.environ["BENCH_OURS"], self.box)

    def shell(self, script):
        env = self.ask("env").split()
        return netns(["env"] + env + ["sh", "-c", script.replace(self.sendmail, "$SENDMAIL")])

    def inside(self, p):
        return self.path(p)

    def ask(self, verb, *more):
        adapter = os.environ.get("BENCH_OURS")
        if not adapter:
            raise SystemExit("target 'ours': set BENCH_OURS to its adapter (see targets.py)")
        return subprocess.run(netns([adapter, verb, self.box, *more]), check=True,
                              capture_output=True, text=True).stdout

    def start(self, variant="default"):
        os.makedirs(self.root, exist_ok=True)
        self.box = tempfile.mkdtemp(dir=self.root)
        self.ask("start", self.smtp[0], variant)
        self.maildirs = self.ask("maildirs").split("\n")[:-1]

    def stop(self):
        if self.box:
            self.ask("stop")
            self.box = None

    def pids(self):
        return [int(p) for p in self.ask("pids").split()] if self.box else []

    def queue_len(self):
        return int(self.ask("queue").strip() or 0)

    def delivered(self):
        n = 0
        for d in self.maildirs:
            if os.path.isdir(d + "/new"):
                n += len(os.listdir(d + "/new"))
        return n

    def wipe_queue(self):
        pass

    def wipe_mail(self):
        pass


ALL = {t.name: t for t in (Postfix(), Exim(), OpenSMTPD(), Dovecot(), Ours())}


def setup(name):
    """Make the root of a target. Needs debootstrap, apt, and root."""
    t = ALL[name]
    make_netns()
    base = os.path.join(need_roots(), "base")
    suite = os.environ.get("BENCH_SUITE", "bookworm")
    if not os.path.isdir(os.path.join(base, "etc")):
        cmd = ["debootstrap", "--variant=minbase",
               "--include=ca-certificates,procps,openssl", suite, base]
        if os.environ.get("BENCH_MIRROR"):
            cmd.append(os.environ["BENCH_MIRROR"])
        subprocess.run(cmd, check=True)
    if not os.path.isdir(t.root):
        subprocess.run(["cp", "-a", base, t.root], check=True)
        t.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        t.write("/etc/mailname", "mx.bench.example\n")
        shutil.copy("/etc/resolv.conf", t.path("/etc/resolv.conf"))
        subprocess.run(["mount", "-t", "proc", "proc", t.path("/proc")], check=True)
        subprocess.run(["chroot", t.root, "sh", "-c",
                        "apt-get update -qq && DEBIAN_FRONTEND=noninteractive "
                        "apt-get install -y --no-install-recommends "
                        + " ".join(t.packages)], check=True)
    t.common_setup()
