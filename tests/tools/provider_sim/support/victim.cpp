// SPDX-License-Identifier: BSL-1.0
#include "support/victim.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace provider_sim::test {
namespace {

void put(int fd, std::uint64_t value) {
    if (::write(fd, &value, sizeof value) != sizeof value) ::_exit(3);
}

constexpr std::uint64_t acted = UINT64_MAX;

}  // namespace

victim::victim(sim_process const& sim, std::string const& content, bool anonymous) {
    if (::pipe2(start_, O_CLOEXEC) != 0 || ::pipe2(report_, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    pid_ = ::fork();
    if (pid_ == 0) live(sim.port(), content, anonymous);
}

void victim::live(std::uint16_t port, std::string const& content, bool anonymous) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    char go_ahead = 0;
    if (::read(start_[0], &go_ahead, 1) != 1) ::_exit(2);
    try {
        wire_client client{port};
        client.send(chat(content, anonymous ? "" : "x-sim-pid: " + std::to_string(::getpid()) + "\r\n"));
        std::string got;
        while (true) {
            auto const piece = client.receive(64 * 1024);
            if (piece.empty()) ::_exit(4);
            got += piece;
            put(report_[1], got.size());
            auto const head_end = got.find("\r\n\r\n");
            auto const length_at = got.find("Content-Length: ");
            if (head_end == std::string::npos || length_at == std::string::npos) continue;
            if (got.size() >= head_end + 4 + std::stoul(got.substr(length_at + 16, 12))) break;
        }
        put(report_[1], acted);
    } catch (...) {
        ::_exit(5);
    }
    ::_exit(0);
}

victim::~victim() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (int const fd : {start_[0], start_[1], report_[0], report_[1]})
        if (fd >= 0) ::close(fd);
}

void victim::go() {
    char const byte = 'g';
    if (::write(start_[1], &byte, 1) != 1) throw std::runtime_error{"the victim is gone"};
}

bool victim::wait_stopped() {
    int status = 0;
    return ::waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
}

victim_report victim::wait() {
    victim_report report;
    ::waitpid(pid_, &report.wait_status, 0);
    pid_ = -1;
    ::close(report_[1]);
    report_[1] = -1;
    for (std::uint64_t value = 0; ::read(report_[0], &value, sizeof value) == sizeof value;) {
        if (value == acted) report.acted = true;
        else report.bytes_seen = value;
    }
    return report;
}

}  // namespace provider_sim::test
