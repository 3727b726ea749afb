//! Two workspaces of one store do not touch, whatever is sent to both.

use db::Store;
use kernel::WorkspaceNo;

use super::dice::Dice;
use super::history::{Message, NOW, frame, history};
use super::number;
use super::world::{Picture, World};

fn alone(messages: &[Message]) -> Picture {
    let mut world = World::new();
    messages.iter().for_each(|m| world.feed(&[frame(std::slice::from_ref(m), NOW, 0)]));
    world.picture()
}

/// The same people, by name, in both: only the wall between them keeps them apart.
fn two_workspaces_fed_in_turns_are_each_as_if_alone(store: Store) {
    for seed in 1..=number("HEADWATER_PROPERTY_CASES", 64) / 8 {
        let mut dice = Dice::new(seed);
        let histories = [history(&mut dice, 30), history(&mut dice, 30)];
        let first = WorkspaceNo(10 + 2 * seed as u32);
        let mut worlds = [World::on(&store, first), World::on(&store, WorkspaceNo(first.0 + 1))];
        let mut rest = [&histories[0][..], &histories[1][..]];
        while !rest.iter().all(|r| r.is_empty()) {
            let turn = dice.roll(2);
            let (now, later) = rest[turn].split_at(rest[turn].len().min(1 + dice.roll(3)));
            rest[turn] = later;
            now.iter().for_each(|m| worlds[turn].feed(&[frame(std::slice::from_ref(m), NOW, 0)]));
        }
        for (world, history) in worlds.iter().zip(&histories) {
            if let Some(difference) = alone(history).difference(&world.picture()) {
                panic!("seed {seed}: {difference}");
            }
        }
    }
}

testkit::both_databases!(two_workspaces_fed_in_turns_are_each_as_if_alone);
