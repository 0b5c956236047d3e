"""dj-queue's `operations`: jobs one by one and by the batch, and cleaning up."""
