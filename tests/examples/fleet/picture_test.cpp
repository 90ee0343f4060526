// SPDX-License-Identifier: BSL-1.0
#include "picture.hpp"

#include "svg/svg.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace picture_test {
namespace {

using namespace fleet;

TEST(picture, has_a_panel_for_each_preset_on_one_scale) {
    world w;
    w.story = {trouble::storm, 10s, 10s, 10s};
    curves quiet, wild;
    for (auto* const c : {&quiet, &wild})
        for (auto* const line : {&c->asked, &c->offered, &c->served, &c->rejected}) line->assign(30, 1);
    wild.offered[15] = 180;
    auto const text = picture(w, {{"quiet", quiet}, {"a <wild> one", wild}});
    EXPECT_TRUE(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 980 450\"")) << text;
    EXPECT_NE(text.find("quiet: at most 1 requests"), text.npos);
    EXPECT_NE(text.find("a &lt;wild&gt; one: at most 180 requests"), text.npos);
    EXPECT_NE(text.find(">200</text>"), text.npos) << "the scale";
    EXPECT_NE(text.find("429-storm"), text.npos);
    EXPECT_TRUE(text.ends_with("</svg>\n"));
}

TEST(svg, a_curve_takes_steps_and_one_for_a_level_stretch) {
    svg::document d{10, 10, ""};
    d.curve("c", {{0, 9}, {1, 9}, {2, 9}, {3, 4}, {4, 6}, {5, 6}});
    EXPECT_NE(std::move(d).finish().find("d=\"M0 9h2l1-5l1 2h1\""), std::string::npos);
}

TEST(svg, scales_are_round) {
    EXPECT_EQ(svg::round_scale(0), 1);
    EXPECT_EQ(svg::round_scale(3), 5);
    EXPECT_EQ(svg::round_scale(200), 200);
    EXPECT_EQ(svg::round_scale(201), 500);
    EXPECT_GT(svg::round_scale(std::numeric_limits<std::int64_t>::max()), 0);
}

TEST(svg, text_cannot_end_what_it_stands_in) { EXPECT_EQ(svg::escaped("a<b>&\""), "a&lt;b&gt;&amp;&quot;"); }

}  // namespace
}  // namespace picture_test
