// SPDX-License-Identifier: MIT
// Parameters and multiply-adds as published, which no slip in the inferred sizes would survive.
#include "../support/published_networks.hpp"

namespace {

using namespace iop_test;

static_assert(parameter_count(lenet5::spec.list()) == 61'706);
static_assert(parameter_count(alexnet::spec.list()) == 61'100'840);
static_assert(multiply_adds(alexnet::spec.list()) == 714'188'480);
static_assert(parameter_count(vgg11::spec.list()) == 132'863'336);
static_assert(multiply_adds(vgg11::spec.list()) == 7'609'090'048);

}  // namespace
