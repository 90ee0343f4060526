// SPDX-License-Identifier: BSL-1.0
#pragma once
// Puts TLS before a raw_server, so that a test writes plain bytes and decides how the connection ends, and the client
// sees TLS. Needs the programs python3 and openssl; tests that use it are skipped where they are missing.

#include "raw_server.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace coffer::inline COFFER_ABI::http::tests {

/// A program that runs until its standard input ends, and says something on its standard output.
class child {
public:
    explicit child(std::vector<std::string> arguments) {
        int in[2];
        int out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        std::vector<char*> words;
        for (auto& a : arguments) words.push_back(a.data());
        words.push_back(nullptr);
        if (::posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ) != 0) pid_ = -1;
        posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = out[0];
    }
    child(child const&) = delete;
    child& operator=(child const&) = delete;
    ~child() {
        if (in_ >= 0) ::close(in_);
        (void)wait();
        if (out_ >= 0) ::close(out_);
    }
    /// The next line of its output, empty at the end.
    std::string read_line() {
        std::string line;
        for (char c = 0; ::read(out_, &c, 1) == 1 && c != '\n';) line += c;
        return line;
    }
    /// The exit code.
    int wait() {
        int status = -1;
        if (pid_ > 0) ::waitpid(std::exchange(pid_, -1), &status, 0);
        return status;
    }

private:
    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
};

/// A self-signed certificate for 127.0.0.1 (and not for localhost), made once for the process.
class certificate {
public:
    [[nodiscard]] static certificate const& get() {
        static certificate const one;
        return one;
    }
    [[nodiscard]] bool made() const noexcept { return made_; }
    [[nodiscard]] std::string file() const { return directory_ + "/cert.pem"; }
    [[nodiscard]] std::string key() const { return directory_ + "/key.pem"; }

private:
    certificate() {
        std::string pattern = (std::filesystem::temp_directory_path() / "coffer-tls-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) return;
        directory_ = pattern;
        child openssl{{"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                       "-days", "2", "-subj", "/CN=coffer test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                       key(), "-out", file(), "-batch"}};
        made_ = openssl.wait() == 0 && std::filesystem::exists(file());
    }
    ~certificate() {
        std::error_code ignored;
        if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
    }

    std::string directory_;
    bool made_ = false;
};

enum class tls_end { clean, without_notice };

/// What stands before the TLS of a front, or within it.
enum class tls_asks {
    nothing,
    certificate,           ///< of the client; it accepts the one that is its own
    certificate_in_tls12,  ///< in which the handshake says whether it was accepted
    tunnel,                ///< as a proxy would: a CONNECT first, to whatever place
};

/// Passes on what `behind` and its clients say: a FIN as TLS's end and a FIN (or the FIN alone), a RST as RST.
class tls_front {
public:
    tls_front(raw_server const& behind, std::string alpn, tls_end end = tls_end::clean,
              tls_asks asks = tls_asks::nothing)
        : child_{{"python3", "-c", std::string{source}, certificate::get().file(), certificate::get().key(),
                  std::to_string(behind.port()), std::move(alpn), end == tls_end::clean ? "clean" : "cut",
                  std::string{asks == tls_asks::nothing       ? "nothing"
                              : asks == tls_asks::certificate ? "certificate"
                              : asks == tls_asks::tunnel      ? "tunnel"
                                                              : "certificate 1.2"}}},
          port_{child_.read_line()} {}

    [[nodiscard]] bool works() const noexcept { return !port_.empty(); }
    [[nodiscard]] std::string url(std::string_view path = "/") const {
        return "https://127.0.0.1:" + port_ + std::string{path};
    }
    [[nodiscard]] std::string const& port() const noexcept { return port_; }

private:
    static constexpr std::string_view source = R"python(
import os, select, socket, ssl, struct, sys, threading
cert, key, behind, alpn, end, asks = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.set_alpn_protocols([alpn])
if asks.startswith("certificate"):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cert)
    if asks.endswith("1.2"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

def serve(raw):
    plain = None
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if asks == "tunnel":
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = raw.recv(1)
                if not byte:
                    return
                head += byte
            raw.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        tls = context.wrap_socket(raw, server_side=True)
        raw = tls
        plain = socket.create_connection(("127.0.0.1", int(behind)))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            ready = [tls] if tls.pending() else select.select([tls, plain], [], [])[0]
            if tls in ready:
                data = tls.recv(65536)
                if not data:
                    return
                plain.sendall(data)
            if plain in ready:
                try:
                    data = plain.recv(65536)
                except ConnectionResetError:
                    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if not data:
                    if end == "clean":
                        tls.settimeout(1)
                        tls.unwrap()
                    return
                tls.sendall(data)
    except (OSError, ssl.SSLError):
        pass
    finally:
        raw.close()
        if plain:
            plain.close()

def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
os._exit(0)
)python";

    child child_;
    std::string port_;
};

}  // namespace coffer::inline COFFER_ABI::http::tests
