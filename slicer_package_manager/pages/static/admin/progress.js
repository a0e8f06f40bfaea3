/*
 * Progress of long work, in the place where Girder shows progress. Where Girder's notification socket is open, the
 * server sends it. Elsewhere (gunicorn has no such socket) what is left is asked for every second and shown the
 * same way.
 */
(function (girder) {
    'use strict';

    const spm = girder.plugins.slicer_package_manager;
    const stream = girder.utilities.eventStream;
    const PAUSE = 1000;
    let works = 0;

    const socketIsOpen = () => Boolean(stream._websocket && stream._websocket.readyState === WebSocket.OPEN);

    function show(work, state, current, message) {
        stream.trigger('g:event.progress', {
            _id: work.id, type: 'progress', startTime: work.start, updatedTime: Date.now() / 1000,
            estimatedTotalTime: 0,
            data: {title: work.title, total: work.total, current, state, message}
        });
    }

    async function watch(work) {
        while (!work.done) {
            await new Promise((resolve) => setTimeout(resolve, PAUSE));
            let left = null;
            try {
                left = work.done || !work.left ? null : await work.left();
            } catch (failure) {
                // What is being deleted may be gone already; the request itself tells what went wrong.
            }
            if (!work.done && left !== null) {
                show(work, 'active', Math.max(work.total - left, 0), `${spm.number(left)} left`);
            }
        }
    }

    /**
     * Do something that takes time.
     * @param title what is shown.
     * @param total how many things there are to do; nobody knows by default.
     * @param left a function that gives a promise of how many of them are left.
     * @param request a function that makes the request; it is given the parameters for it, and gives its promise.
     * @returns the promise of the request.
     */
    spm.withProgress = async function ({title, total = 0, left, request}) {
        if (socketIsOpen()) {
            return request({progress: true});
        }
        works += 1;
        const work = {id: `spm-${works}`, title, total, left, start: Date.now() / 1000, done: false};
        show(work, 'active', 0, 'Working…');
        watch(work);
        try {
            const answer = await request({});
            work.done = true;
            show(work, 'success', total, 'Done');
            return answer;
        } catch (failure) {
            work.done = true;
            show(work, 'error', total, 'Failed');
            throw failure;
        }
    };
}(window.girder));
