// SPDX-License-Identifier: BSL-1.0
#pragma once
// Child processes: started, waited for, and never left behind.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace retry_storm {

/// How a process ended.
struct ending {
    int code = 0;    ///< its exit code, if it ended by itself
    int signal = 0;  ///< what killed it, if something did
};

/// A running child. Killed and reaped by the destructor.
class process {
public:
    explicit process(std::vector<std::string> const& command) : process{command, -1} {}

    /// With its standard output going to the descriptor `out`, which stays the caller's.
    process(std::vector<std::string> const& command, int out) {
        std::vector<char*> argv;
        for (auto const& word : command) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error{std::string{"fork: "} + std::strerror(errno)};
        if (pid_ == 0) {
            if (out >= 0) ::dup2(out, STDOUT_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    process(process const&) = delete;
    process& operator=(process const&) = delete;
    ~process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

    [[nodiscard]] ending wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0)
            if (errno != EINTR) throw std::runtime_error{std::string{"waitpid: "} + std::strerror(errno)};
        pid_ = -1;
        if (WIFSIGNALED(status)) return {0, WTERMSIG(status)};
        return {WEXITSTATUS(status), 0};
    }

private:
    pid_t pid_ = -1;
};

/// A child whose standard output is read.
class talking_process {
public:
    explicit talking_process(std::vector<std::string> const& command) : pipe_{}, child_{command, pipe_.in} {
        pipe_.close_in();
    }

    /// Its next line, without the end; empty when it has closed its output, which it does at the latest when it ends.
    [[nodiscard]] std::string line() {
        std::string text;
        for (char c = 0; ::read(pipe_.out, &c, 1) == 1 && c != '\n';) text += c;
        return text;
    }

private:
    struct pipe {
        pipe() {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{std::string{"pipe: "} + std::strerror(errno)};
            out = ends[0], in = ends[1];
        }
        pipe(pipe const&) = delete;
        pipe& operator=(pipe const&) = delete;
        ~pipe() {
            ::close(out);
            close_in();
        }
        void close_in() {
            if (in >= 0) ::close(in);
            in = -1;
        }
        int out = -1;
        int in = -1;
    };
    pipe pipe_;
    process child_;
};

}  // namespace retry_storm
