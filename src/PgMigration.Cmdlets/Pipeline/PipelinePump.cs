using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Runtime.ExceptionServices;

namespace PgMigration.Cmdlets;

/// <summary>Runs work on a worker's thread while the pipeline's thread carries out what that work, from whatever thread, asks of the pipeline.</summary>
/// <remarks>
/// What a request throws belongs to the pipeline: a throw or break of a later command, an early stop, Ctrl-C. It cancels the work and is
/// kept until the work has ended. Requests that come in between are not carried out; those that have last words (warnings and errors of
/// an undo) say them instead.
/// </remarks>
[SuppressMessage("Reliability", "CA2213", Justification = "Work that outlives the cmdlet may still look at the token; without a timer there is nothing to dispose.")]
internal sealed class PipelinePump : IDisposable
{
    /// <summary>So many requests may wait; then their writers wait: enough to keep both threads busy, few enough to be no collection.</summary>
    private const int Capacity = 256;

    private static readonly Request WorkEnded = new(() => { });

    private readonly BlockingCollection<Request> _requests = new(Capacity);
    private readonly CancellationTokenSource _cancellation = new();
    private int _pipelineThread;

    /// <summary>What a request threw on the pipeline's thread: rethrow it unchanged once the work has ended.</summary>
    public ExceptionDispatchInfo? PipelineFailure { get; private set; }

    /// <summary>Tells the work to stop; returns at once.</summary>
    public void Cancel() => _ = _cancellation.CancelAsync();

    /// <summary>Runs the work to its end and carries out what it asks, in order, on the calling thread.</summary>
    /// <returns>What the work threw, or null.</returns>
    public Exception? Run(Func<CancellationToken, Task> work)
    {
        _pipelineThread = Environment.CurrentManagedThreadId;
        var worker = Task.Run(() => FailureOf(work));
        while (_requests.Take() is var request && request != WorkEnded)
        {
            CarryOut(request);
        }

        _pipelineThread = 0;
        return worker.Result;
    }

    /// <summary>Queues an action for the pipeline's thread; waits while the queue is full.</summary>
    /// <param name="action">What to do there.</param>
    /// <param name="lastWords">What to do instead once the pipeline takes nothing any more; null for nothing.</param>
    public void Post(Action action, Action? lastWords = null)
    {
        if (Environment.CurrentManagedThreadId == _pipelineThread)
        {
            action();
        }
        else if (!TryQueue(() => _requests.Add(new Request(action, lastWords))))
        {
            lastWords?.Invoke();
        }
    }

    /// <summary>Queues a warning or an error for the cmdlet's stream.</summary>
    /// <param name="cmdlet">The cmdlet.</param>
    /// <param name="write">Writes it to the stream.</param>
    /// <param name="lastWords">Says it instead once the pipeline takes nothing any more.</param>
    public void Say(Cmdlet cmdlet, Action write, Action lastWords)
    {
        bool taken = false;
        Post(Write, SayInstead);

        void Write()
        {
            taken = !cmdlet.Stopping; // with -ErrorAction Stop the stream throws it, and whoever catches that decides whether it is shown
            write();
        }

        void SayInstead()
        {
            if (!taken)
            {
                lastWords();
            }
        }
    }

    /// <summary>Queues an action that may be lost, such as progress: never waits.</summary>
    public void PostIfRoom(Action action) => TryQueue(() => _requests.TryAdd(new Request(action)));

    /// <summary>Asks the pipeline's thread a question that the pipeline may refuse; cancelled when it does, or has ended.</summary>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => answer.SetResult(question()), lastWords: () => answer.TrySetCanceled(_cancellation.Token));
        return answer.Task;
    }

    /// <summary>Looks something up on the pipeline's thread, also in a stopping pipeline; what the question throws is the asker's.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "The exception reaches the asker.")]
    public T Ask<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(Answer, lastWords: Answer);
        return answer.Task.GetAwaiter().GetResult();

        void Answer()
        {
            try
            {
                answer.TrySetResult(question());
            }
            catch (Exception failure)
            {
                answer.TrySetException(failure);
            }
        }
    }

    /// <summary>Stops the work and takes no more requests.</summary>
    public void Dispose()
    {
        Cancel();
        _requests.CompleteAdding();
    }

    [SuppressMessage("Design", "CA1031", Justification = "Run returns the exception.")]
    private async Task<Exception?> FailureOf(Func<CancellationToken, Task> work)
    {
        try
        {
            _cancellation.Token.ThrowIfCancellationRequested();
            await work(_cancellation.Token);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
        finally
        {
            _requests.Add(WorkEnded);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The exception is kept and thrown when the work has ended; last words have nobody to complain to.")]
    private void CarryOut(Request request)
    {
        try
        {
            if (PipelineFailure is null)
            {
                request.Action();
                return;
            }
        }
        catch (Exception failure)
        {
            PipelineFailure = ExceptionDispatchInfo.Capture(failure);
            Cancel();
        }

        try
        {
            request.LastWords?.Invoke();
        }
        catch (Exception)
        {
            // the screen is gone too: a dropped SSH session
        }
    }

    /// <summary>False when the cmdlet is over.</summary>
    private bool TryQueue(Action add)
    {
        try
        {
            add();
            return true;
        }
        catch (InvalidOperationException) when (_requests.IsAddingCompleted)
        {
            return false;
        }
    }

    private sealed record Request(Action Action, Action? LastWords = null);
}
