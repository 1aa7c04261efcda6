import Foundation

/// What goes wrong in the world.
extension History {
    func scheduleTrouble() {
        engine.after(plan.betweenTroubles * (2 * random.uniform())) { [self] in
            guard !isSettling else { return }
            strike()
            scheduleTrouble()
        }
    }

    private func strike() {
        switch random.number(below: 7) {
        case 0, 1: weather(.storm, "a storm", hours: 6)
        case 2: weather(.outage, "an outage", hours: 3)
        case 3:
            judge.note("the vendor's platform fails half of its reads")
            world.vendor.faultShare = 0.5
            engine.after(.seconds(random.number(below: 6 * 3600))) { [self] in world.vendor.faultShare = 0 }
        case 4: if plan.setsClocks { setWallClock() } else { refuseVendorKey() }
        case 5: refuseVendorKey()
        default: if random.uniform() < 0.5 { restart() } else { stopsAtNextCount = true }
        }
    }

    func weather(_ weather: Weather, _ name: String, hours: Int) {
        judge.note("\(name) begins")
        world.synthesize.weather = weather
        engine.after(.seconds(random.number(below: hours * 3600))) { [self] in
            judge.note("\(name) ends")
            world.synthesize.weather = .fair
        }
    }

    /// A partner's key for the vendor runs out, and it takes up to a whole history until somebody has seen to it.
    private func refuseVendorKey() {
        let index = random.number(below: world.partners.count)
        let key = world.partners[index].vendorKey
        judge.note("partner \(index): the vendor's platform refuses its key")
        world.vendor.refused.insert(key)
        engine.after(.seconds(random.number(below: plan.days * 86_400))) { [self] in
            judge.note("partner \(index): the vendor's platform accepts its key again")
            world.vendor.refused.remove(key)
        }
    }

    /// By up to an hour either way, and right again some time later.
    private func setWallClock() {
        world.time.error = .seconds(random.number(below: 7200) - 3600)
        judge.note("the wall clock is wrong by \(world.time.error)")
        judge.clockJumped()
        engine.after(.seconds(random.number(below: 12 * 3600))) { [self] in
            world.time.error = .zero
            judge.note("the wall clock is right again")
            judge.clockJumped()
        }
    }
}
