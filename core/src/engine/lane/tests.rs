//! What a lane does with its jobs, and when its threads end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use super::*;

/// Does nothing for so many milliseconds.
fn pause(millis: u64) {
    let (_sender, receiver) = channel::<()>();
    receiver.recv_timeout(Duration::from_millis(millis)).unwrap_err();
}

fn job(work: impl FnOnce() + Send + 'static) -> Job {
    Box::new(move || {
        work();
        None
    })
}

#[test]
fn a_thread_does_many_jobs_and_outlives_a_panic() {
    for lane in [Lane::new("test", 4), Lane::keeping_threads("test", 4, thread::Builder::spawn)] {
        let (sender, receiver) = channel();
        for number in 0..20 {
            let sender = sender.clone();
            let submitted = lane.submit(job(move || {
                assert_ne!(number, 7, "of the host's");
                sender.send(number).unwrap();
            }));
            assert!(submitted.is_ok());
        }
        drop(sender);
        let mut done: Vec<i32> = receiver.iter().collect();
        done.sort_unstable();
        assert_eq!(done, (0..20).filter(|number| *number != 7).collect::<Vec<_>>());
        assert!((1..=4).contains(&lane.running()));
    }
}

#[test]
fn what_is_late_holds_up_no_job_and_is_delivered_after_the_lane_is_closed() {
    for lane in [Lane::new("test", 1), Lane::keeping_threads("test", 1, thread::Builder::spawn)] {
        let (sender, receiver) = channel();
        let told = sender.clone();
        let late: Job = Box::new(move || {
            let after = LeaseWait::from_now(Duration::from_millis(50));
            Some(Late { after, deliver: Box::new(move || told.send("late").unwrap()) })
        });
        let submitted = [lane.submit(late), lane.submit(job(move || sender.send("job").unwrap()))];
        assert!(submitted.iter().all(Result::is_ok));
        drop(lane);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["job", "late"]);
    }
}

#[test]
fn dropping_a_lane_waits_for_kept_threads_and_for_no_others() {
    let (hold, held) = channel::<()>();
    let lane = Lane::new("test", 1);
    assert!(lane.submit(job(move || held.recv().unwrap())).is_ok());
    drop(lane);
    hold.send(()).unwrap(); // after the lane was dropped

    static DONE: AtomicUsize = AtomicUsize::new(0);
    let lane = Lane::keeping_threads("test", 3, thread::Builder::spawn);
    for _ in 0..9 {
        let submitted = lane.submit(job(|| {
            pause(10);
            DONE.fetch_add(1, Ordering::Relaxed);
        }));
        assert!(submitted.is_ok());
    }
    drop(lane);
    assert_eq!(DONE.load(Ordering::Relaxed), 9);
}

#[test]
fn a_job_may_drop_its_own_lane_and_waits_for_the_other_threads() {
    let lane = Arc::new(Lane::keeping_threads("test", 2, thread::Builder::spawn));
    let (sender, receiver) = channel();
    let (last, told) = (Arc::clone(&lane), sender.clone());
    let (start, started) = channel::<()>();
    let slow = job(move || {
        pause(30);
        told.send("slow").unwrap();
    });
    let dropping = job(move || {
        started.recv().unwrap();
        drop(last);
        sender.send("dropped").unwrap();
    });
    assert!(lane.submit(dropping).is_ok() && lane.submit(slow).is_ok());
    drop(lane);
    start.send(()).unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["slow", "dropped"]);
}

#[test]
fn a_job_for_which_the_system_has_no_thread_comes_back() {
    let refuse: StartThread = |_, _| Err(io::ErrorKind::WouldBlock.into());
    let lane = Lane::keeping_threads("test", 2, refuse);
    assert!(lane.submit(job(|| unreachable!("there is no thread"))).is_err());
    assert_eq!(lane.running(), 0);
}
