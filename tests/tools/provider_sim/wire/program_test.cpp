// SPDX-License-Identifier: BSL-1.0
// The command line: what it prints, writes and returns.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "net/server.hpp"
#include "support/sim_process.hpp"

namespace provider_sim::program_test {
namespace {

class program : public testing::Test {
protected:
    std::string file(std::string const& name, std::string const& text) {
        auto const path = (directory_.path() / name).string();
        std::ofstream{path} << text;
        return path;
    }
    std::string ledger() { return (directory_.path() / "ledger.jsonl").string(); }

    test::temporary_directory directory_;
};

TEST_F(program, help) {
    auto const result = test::run_program({"--help"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_NE(result.out.find("--require-key-prefix"), std::string::npos);
}

TEST_F(program, mistakes_are_exit_code_2_with_a_text) {
    struct row {
        std::vector<std::string> arguments;
        std::string says;
    };
    auto const script = [&](std::string const& text) { return file("script.json", text); };
    for (auto const& r : {
             row{{}, "provider_sim: --ledger is required; provider_sim --help lists the options\n"},
             row{{"--ledger", ledger(), "--port", "x"}, "provider_sim: "},
             row{{"--ledger", ledger(), "--port", "99999"}, "provider_sim: "},
             row{{"--ledger", ledger(), "--unknown"}, "provider_sim: "},
             row{{"--ledger", ledger(), "--host", "0.0.0.0"}, "provider_sim: --host 0.0.0.0 is no loopback address"},
             row{{"--ledger", ledger(), "--host", "example.org"}, "provider_sim: --host example.org is no loopback"},
             row{{"--ledger", ledger(), "--script", "/nowhere"}, "provider_sim: --script"},
         }) {
        auto const result = test::run_program(r.arguments);
        EXPECT_EQ(result.exit_code, 2) << r.says;
        EXPECT_TRUE(result.err.starts_with(r.says)) << result.err;
        EXPECT_EQ(result.out, "");
    }
    for (auto const& [text, says] :
         std::vector<std::pair<std::string, std::string>>{{"{", "is not JSON: "},
                                                          {"[{\"x\": 1}]", "rule 0: x is unknown"},
                                                          {R"({"rulez": []})", "script: rulez is unknown"}}) {
        auto const result = test::run_program({"--ledger", ledger(), "--script", script(text)});
        EXPECT_EQ(result.exit_code, 2) << text;
        EXPECT_NE(result.err.find("script.json: " + says), std::string::npos) << result.err;
    }
}

TEST_F(program, what_cannot_be_had_is_exit_code_1) {
    auto result = test::run_program({"--ledger", file("bad.jsonl", "garbage\n")});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("is corrupt: line 1"), std::string::npos) << result.err;

    test::sim_process const running;
    result = test::run_program({"--ledger", running.ledger().string()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("is in use by another provider_sim"), std::string::npos) << result.err;

    result = test::run_program({"--ledger", ledger(), "--port", std::to_string(running.port())});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("; --port 0 takes a free one"), std::string::npos) << result.err;
}

TEST_F(program, ends_cleanly_on_sigterm_and_sigint_even_with_requests_under_way) {
    for (int const signal : {SIGTERM, SIGINT}) {
        test::sim_process sim;
        sim.rules(json::parse(R"([{"deliver": "none", "end": "hang"}])"));
        test::wire_client hanging{sim.port()};
        hanging.send(test::chat());
        sim.lines("bill", 1);
        auto const status = sim.end(signal);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << signal;
    }
}

TEST_F(program, writes_the_port_file_whole) {
    auto const path = directory_.path() / "port";
    test::sim_process const sim{{"--port-file", path.string()}};
    std::ifstream in{path};
    int port = 0;
    EXPECT_TRUE(in >> port);
    EXPECT_EQ(port, sim.port());
}

TEST_F(program, takes_seed_settings_and_rules_from_a_script) {
    auto const script =
        file("script.json", R"({"seed": 7, "config": {"models": ["only"]}, "rules": [{"status": 503}]})");
    test::sim_process const sim{{"--script", script}};
    EXPECT_EQ(sim.get_control("/control/health")["seed"], 7);
    EXPECT_EQ(sim.ask(test::chat()).status, 503);
    EXPECT_EQ(sim.get_control("/control/config")["models"], json::array({"only"}));
    test::sim_process const seeded{{"--script", script, "--seed", "9"}};
    EXPECT_EQ(seeded.get_control("/control/health")["seed"], 9);
}

TEST_F(program, the_same_seed_is_the_same_run) {
    auto const statuses = [](std::string const& seed) {
        test::sim_process const sim{{"--seed", seed}};
        sim.rules(json::parse(R"([{"match": {"probability": 0.5}, "status": 503}])"));
        std::string all;
        for (int i = 0; i < 30; ++i) all += sim.ask(test::chat(std::to_string(i))).status == 503 ? 'x' : '.';
        return all;
    };
    auto const one = statuses("1");
    EXPECT_EQ(one, statuses("1"));
    EXPECT_NE(one, statuses("2"));
    EXPECT_NE(one.find('x'), std::string::npos);
    EXPECT_NE(one.find('.'), std::string::npos);
}

TEST_F(program, runs_inside_a_test_too) {
    options given;
    given.ledger = ledger();
    server inside{given};
    std::thread thread{[&] { inside.run(); }};
    test::wire_client client{inside.port()};
    client.send(test::chat());
    EXPECT_EQ(client.response().status, 200);
    inside.stop();
    thread.join();
}

}  // namespace
}  // namespace provider_sim::program_test
